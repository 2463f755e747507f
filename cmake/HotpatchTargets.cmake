# SPDX-License-Identifier: BSD-2-Clause
# How the targets of this project are compiled: warnings, features, freestanding and hosted flags.

include(CheckCCompilerFlag)

set(hp_warnings
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wundef -Wvla -Wcast-align -Wcast-qual -Wpointer-arith -Wwrite-strings
  -Wformat=2 -Wredundant-decls)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND hp_warnings -Wlogical-op -Wduplicated-cond -Wduplicated-branches)
endif()

# Flags that not every architecture or compiler has; freestanding code takes those that exist. The
# first keeps vector and floating-point registers, which belong to the guest, out of the code; the
# last keeps atomic operations in line (Arm64), where they would be calls of libgcc's.
set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag IN ITEMS -mgeneral-regs-only -mno-red-zone -mno-outline-atomics)
  string(MAKE_C_IDENTIFIER "HP_HAS${flag}" variable)
  check_c_compiler_flag(${flag} ${variable})
endforeach()
unset(CMAKE_REQUIRED_FLAGS)

# hp_warnings(TARGET): the warnings that the project's own code is clean of.
function(hp_warnings target)
  target_compile_options(${target} PRIVATE ${hp_warnings})
  if(HP_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# hp_core_target(TARGET): a library made of the core files, with the features chosen.
function(hp_core_target target)
  hp_warnings(${target})
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  foreach(feature IN ITEMS SIGNATURES CONTROL SPLICES ${hp_arch_features})
    target_compile_definitions(${target} PRIVATE HP_WITH_${feature}=$<BOOL:${HP_WITH_${feature}}>)
  endforeach()
endfunction()

# hp_freestanding_target(TARGET): code for a hypervisor: no C library, no floating point, no stack
# protector (whose guard a hypervisor may lack), one section for each function so that the linker can
# drop what is not used.
function(hp_freestanding_target target)
  hp_warnings(${target})
  target_compile_options(${target} PRIVATE
    -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-common
    -ffunction-sections -fdata-sections)
  if(HP_PIE)
    target_compile_options(${target} PRIVATE -fPIE)
  elseif(NOT CMAKE_POSITION_INDEPENDENT_CODE)
    target_compile_options(${target} PRIVATE -fno-pie)
  endif()
  if(HP_HAS_mgeneral_regs_only)
    target_compile_options(${target} PRIVATE -mgeneral-regs-only)
  endif()
  if(HP_HAS_mno_outline_atomics)
    target_compile_options(${target} PRIVATE -mno-outline-atomics)
  endif()
  if(HP_NO_RED_ZONE AND HP_HAS_mno_red_zone)
    target_compile_options(${target} PRIVATE -mno-red-zone)
  endif()
endfunction()

# hp_hosted_target(TARGET): code for the machine that builds it, sanitized when asked.
function(hp_hosted_target target)
  hp_warnings(${target})
  if(HP_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${HP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    # libFuzzer's main() belongs to the fuzz targets alone; they ask for it themselves.
    string(REPLACE "fuzzer-no-link," "" link_sanitizers "${HP_SANITIZE}")
    target_link_options(${target} PUBLIC $<BUILD_INTERFACE:-fsanitize=${link_sanitizers}>)
  endif()
endfunction()
