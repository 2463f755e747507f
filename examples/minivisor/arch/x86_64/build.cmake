# SPDX-License-Identifier: BSD-2-Clause
# x86-64: SVM under QEMU's emulation.
set(MV_ARCH_SOURCES
  arch/x86_64/boot.S
  arch/x86_64/entry.S
  arch/x86_64/run.S
  arch/x86_64/apic.c
  arch/x86_64/cpu.c
  arch/x86_64/devices.c
  arch/x86_64/mmu.c
  arch/x86_64/svm.c
  arch/x86_64/trap.c)
set(MV_ARCH_FLAGS -mno-red-zone -mgeneral-regs-only -fcf-protection=none)
set(MV_GUEST_FLAGS -mno-red-zone -mgeneral-regs-only -fcf-protection=none)
# HP_TARGET_* of hotpatch/port.h, also in the capability record: HP_TARGET_EX_TABLE.
set(MV_TARGET_FLAGS 0x4)
set(HP_WITH_ARM64 OFF)
set(HP_WITH_ARM OFF)
set(HP_WITH_RISCV64 OFF)
