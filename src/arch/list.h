/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of architectures, read by the code (arch.h, arch.c) and by the build.
 *
 * HP_ARCH(name) stands for the file name.c of this folder, the table hp_arch_name in it, and the
 * switch HP_WITH_NAME, which those who compile the sources without the build find on. No include
 * guard: each who includes this file defines HP_ARCH for a purpose of its own.
 */

#if !defined(HP_WITH_X86_64) || HP_WITH_X86_64
HP_ARCH(x86_64)
#endif

#if !defined(HP_WITH_ARM64) || HP_WITH_ARM64
HP_ARCH(arm64)
#endif

#if !defined(HP_WITH_RISCV64) || HP_WITH_RISCV64
HP_ARCH(riscv64)
#endif

#if !defined(HP_WITH_ARM) || HP_WITH_ARM
HP_ARCH(arm)
#endif
