# One library a folder. Sources are what lies in the folder: a test is x_test.cpp, a fuzz target x_fuzz.cpp.
add_library(tailgate_options INTERFACE)
target_include_directories(tailgate_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(tailgate_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
# What the libraries' headers are known to need. assert stays on in release builds.
target_compile_definitions(tailgate_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE RAPIDJSON_HAS_STDSTRING=1
  TAILGATE_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(tailgate_options INTERFACE -Wno-gnu)  # librdkafka's macros are made of such expressions
endif()
if(TAILGATE_SANITIZE STREQUAL "thread")
  # It does not see fences: those of Boost.Asio go, of ours none orders what another thread reads without an atomic.
  target_compile_definitions(tailgate_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  target_compile_options(tailgate_options INTERFACE -Wno-tsan)
endif()
if(TAILGATE_SANITIZE)
  add_compile_options(-fsanitize=${TAILGATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TAILGATE_SANITIZE})
endif()

function(tailgate_library folder)
  cmake_parse_arguments(ARG "" "" "LINKS;EXCLUDE" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.h)
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$")
  foreach(file ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${folder}/${file})
  endforeach()
  set(scope PUBLIC)
  if(sources)
    add_library(tailgate_${name} STATIC ${sources} ${headers})
  else()
    add_library(tailgate_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(tailgate_${name} ${scope} tailgate_options)
  foreach(link ${ARG_LINKS})
    string(REPLACE "/" "_" folder_target tailgate_${link})
    if(TARGET ${folder_target})
      set(link ${folder_target})
    endif()
    target_link_libraries(tailgate_${name} ${scope} ${link})
  endforeach()
endfunction()

# A program of GoogleTest's tests that ctest runs as one test, LABEL.NAME. What each of its cases did goes into
# test-results/LABEL.NAME.xml, where scripts/test counts them.
function(tailgate_test_program name label)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gtest_main)
  add_dependencies(all_tests ${name})
  string(REGEX REPLACE "_tests?$" "" short_name ${name})
  set(test ${label}.${short_name})
  add_test(NAME ${test} COMMAND ${name})
  set_tests_properties(${test} PROPERTIES LABELS ${label} TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/test-results/${test}.xml")
endfunction()

# The tests that lie in a folder, as one program: NAME_tests.
function(tailgate_tests folder)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LINKS;LABELS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*_test.cpp)
  if(TAILGATE_SANITIZE STREQUAL "thread")
    list(FILTER sources EXCLUDE REGEX "/kafka_[a-z_]*_test\\.cpp$")  # librdkafka crashes under it
  endif()
  if(NOT sources)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  tailgate_test_program(${name}_tests ${ARG_LABELS} SOURCES ${sources} LINKS ${ARG_LINKS} TIMEOUT ${ARG_TIMEOUT})
endfunction()

# The tests that lie in a folder, a program for each file: those that start real processes. They run side by side, one that
# hangs or crashes takes nothing else with it, and those of a file share a Kafka (tests/support/kafka_cluster.h).
function(tailgate_process_tests folder)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LINKS;LABELS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*_test.cpp)
  if(TAILGATE_SANITIZE)
    list(FILTER sources EXCLUDE REGEX "/no_memory_test\\.cpp$")  # their runtime wants more than may be forbidden
  endif()
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    tailgate_test_program(${name} ${ARG_LABELS} SOURCES ${source} LINKS ${ARG_LINKS} TIMEOUT ${ARG_TIMEOUT})
  endforeach()
endfunction()
