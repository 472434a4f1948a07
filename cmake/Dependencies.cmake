# Everything comes from Debian 12's packages (scripts/setup installs them).
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(ZLIB 1.2.12 REQUIRED)  # whose checksums can be joined in a fixed time
find_package(PkgConfig REQUIRED)

pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)
add_library(RdKafka ALIAS PkgConfig::RDKAFKA)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
add_library(Nghttp2 ALIAS PkgConfig::NGHTTP2)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
add_library(Zstd ALIAS PkgConfig::ZSTD)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
add_library(Jemalloc ALIAS PkgConfig::JEMALLOC)
find_library(HIREDIS hiredis REQUIRED)  # its flags are for those who include it without its folder

function(tailgate_header_library name header)
  find_path(${name}_INCLUDE ${header} REQUIRED)
  add_library(${name} INTERFACE)
  target_include_directories(${name} SYSTEM INTERFACE ${${name}_INCLUDE})
endfunction()
tailgate_header_library(RapidJSON rapidjson/rapidjson.h)
tailgate_header_library(CLI11 CLI/CLI.hpp)
tailgate_header_library(TomlPlusPlus toml++/toml.h)

if(TAILGATE_TESTS)
  pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
  add_library(LibCurl ALIAS PkgConfig::CURL)
  tailgate_header_library(HttpLib httplib.h)
endif()
