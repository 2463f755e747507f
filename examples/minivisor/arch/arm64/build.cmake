# SPDX-License-Identifier: BSD-2-Clause
# Arm64: EL2 under QEMU's emulation.
set(MV_ARCH_SOURCES
  arch/arm64/boot.S
  arch/arm64/vectors.S
  arch/arm64/cpu.c
  arch/arm64/devices.c
  arch/arm64/gic.c
  arch/arm64/mmu.c
  arch/arm64/trap.c
  arch/arm64/vcpu.c)
# CPU 0 runs its first code without page tables, when all accesses have to be aligned.
set(MV_ARCH_FLAGS -mgeneral-regs-only -mno-outline-atomics -mstrict-align)
set(MV_GUEST_FLAGS -mgeneral-regs-only -mno-outline-atomics -mstrict-align)
# HP_TARGET_* of hotpatch/port.h, also in the capability record: HP_TARGET_EX_TABLE.
set(MV_TARGET_FLAGS 0x4)
set(HP_WITH_X86_64 OFF)
set(HP_WITH_ARM OFF)
set(HP_WITH_RISCV64 OFF)
add_compile_options($<$<COMPILE_LANGUAGE:C>:-mno-outline-atomics>)
