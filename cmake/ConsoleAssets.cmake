# Compiles the console's files into a library, as byte arrays: the binary serves them without any file beside it.
# Included, it defines tailgate_console_assets(target files…); run as a script (-P), it writes the source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(TAILGATE_CONSOLE_ASSETS_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(tailgate_console_assets target)
    list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/web/ OUTPUT_VARIABLE files)
    set(source ${CMAKE_BINARY_DIR}/generated/web/console_assets.cpp)
    add_custom_command(OUTPUT ${source}
      COMMAND ${CMAKE_COMMAND} "-DFILES=${files}" -DSOURCE=${source} -P ${TAILGATE_CONSOLE_ASSETS_SCRIPT}
      DEPENDS ${files} ${TAILGATE_CONSOLE_ASSETS_SCRIPT}
      COMMENT "Embedding the console" VERBATIM)
    target_sources(${target} PRIVATE ${source})
  endfunction()
  return()
endif()

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml; charset=utf-8")

set(arrays "")
set(table "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  get_filename_component(extension ${file} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  string(MAKE_C_IDENTIFIER k_${name} identifier)
  set(path "/console/${name}")
  if(name STREQUAL "index.html")
    set(path "/")
  endif()
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  string(APPEND arrays "constexpr char ${identifier}[] = {\n${bytes}};\n")
  string(APPEND table "    {\"${path}\", \"${type_${extension}}\", {${identifier}, sizeof ${identifier}}, \"\\\"${hash}\\\"\"},\n")
endforeach()

file(WRITE ${SOURCE} "// Generated from web/ by cmake/ConsoleAssets.cmake.
#include \"web/assets.h\"

namespace tailgate {
namespace {
${arrays}
constexpr Asset kAssets[] = {
${table}};
}  // namespace

std::span<const Asset> console_assets() { return kAssets; }

}  // namespace tailgate
")
