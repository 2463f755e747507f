/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests by SVM with nested paging. AMD APM volume 2, "Secure Virtual Machine" and appendix B, the
 * layout of the VMCB.
 */
#include "x86.h"

#include <string.h>

/* Offsets into the VMCB. */
enum {
    VMCB_INTERCEPT3 = 0x0c,
    VMCB_INTERCEPT4 = 0x10,
    VMCB_ASID = 0x58,
    VMCB_INTERRUPT = 0x60,
    VMCB_EXIT_CODE = 0x70,
    VMCB_EXIT_INFO1 = 0x78,
    VMCB_EXIT_INFO2 = 0x80,
    VMCB_NESTED = 0x90,
    VMCB_NESTED_CR3 = 0xb0,
    VMCB_ES = 0x400,
    VMCB_CS = 0x410,
    VMCB_SS = 0x420,
    VMCB_DS = 0x430,
    VMCB_GDTR = 0x460,
    VMCB_LDTR = 0x470,
    VMCB_IDTR = 0x480,
    VMCB_TR = 0x490,
    VMCB_EFER = 0x4d0,
    VMCB_CR4 = 0x548,
    VMCB_CR3 = 0x550,
    VMCB_CR0 = 0x558,
    VMCB_DR7 = 0x560,
    VMCB_DR6 = 0x568,
    VMCB_RFLAGS = 0x570,
    VMCB_RIP = 0x578,
    VMCB_RSP = 0x5d8,
    VMCB_RAX = 0x5f8,
    VMCB_PAT = 0x668
};

/* INTR, NMI, SMI, INIT, CPUID, HLT, shutdown; I/O ports and MSRs are all intercepted by maps. */
#define INTERCEPT3                                                                                 \
    (1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 18 | 1u << 24 | 1u << 27 | 1u << 28 | 1u << 31)
#define INTERCEPT4   0x7fu /* VMRUN, VMMCALL, VMLOAD, VMSAVE, STGI, CLGI, SKINIT */
#define VMCB_IO_MAP  0x40
#define VMCB_MSR_MAP 0x48

#define V_INTR_MASKING (UINT64_C(1) << 24)
#define EXIT_INTR      0x60u
#define EXIT_NMI       0x61u
#define EXIT_VMMCALL   0x81u
#define VMMCALL_SIZE   3

#define SEGMENT_CODE 0xa9bu
#define SEGMENT_DATA 0xc93u
#define SEGMENT_LDT  0x82u
#define SEGMENT_TSS  0x8bu

#define TABLE_ENTRY 7u    /* present, write, user: the nested walk is a user access */
#define GUEST_LARGE 0x83u /* present, write, 2 MiB */

#define LARGE_PAGE UINT64_C(0x200000)

/* All ones: every access exits. Two pages of MSRs, three of ports; one array serves both. */
static uint8_t all_exits[3 * MV_PAGE] __attribute__((__aligned__(4096)));

/* The VMCB is a page of the processor's; the compiler must not reorder or drop what is written. */
static MV_DENY void put(struct mv_vcpu *vcpu, uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)(void *)(vcpu->arch.vmcb + offset) = value;
}

static MV_DENY uint64_t get(const struct mv_vcpu *vcpu, uint32_t offset)
{
    return *(const volatile uint64_t *)(const void *)(vcpu->arch.vmcb + offset);
}

/* Selector 16 bits, attributes 16, limit 32; base 64. */
static void put_segment(struct mv_vcpu *vcpu, uint32_t offset, uint32_t attributes)
{
    put(vcpu, offset, (uint64_t)attributes << 16 | UINT64_C(0xffffffff) << 32);
    put(vcpu, offset + 8, 0);
}

void x86_svm_init(struct mv_cpu *cpu)
{
    x86_write_msr(MSR_EFER, x86_read_msr(MSR_EFER) | EFER_SVME | EFER_NXE);
    x86_write_msr(MSR_VM_HSAVE, (uintptr_t)cpu->arch.host_save);
    __asm__ volatile("vmsave %0" : : "a"((uintptr_t)cpu->arch.host_vmcb) : "memory");
}

/* Guest-physical memory: four levels, 4 KiB pages. */
static uint64_t nested_tables(const uint8_t *ram)
{
    uint64_t *pml4 = mv_page_alloc();
    uint64_t *pdpt = mv_page_alloc();
    uint64_t *pd = mv_page_alloc();
    uint64_t *pt = NULL;
    uint64_t page;

    pml4[0] = (uintptr_t)pdpt | TABLE_ENTRY;
    pdpt[0] = (uintptr_t)pd | TABLE_ENTRY;
    for (page = 0; page < MV_GUEST_RAM / MV_PAGE; page++) {
        if (page % 512 == 0) {
            pt = mv_page_alloc();
            pd[page / 512] = (uintptr_t)pt | TABLE_ENTRY;
        }
        pt[page % 512] = ((uintptr_t)ram + page * MV_PAGE) | TABLE_ENTRY;
    }
    return (uintptr_t)pml4;
}

/* The guest's own tables, in its memory: all of it, one to one. */
static void guest_tables(const struct mv_vcpu *vcpu)
{
    uint64_t *pml4 = (uint64_t *)(void *)(vcpu->ram + MV_GUEST_TABLES);
    uint64_t *pdpt = pml4 + 512;
    uint64_t *pd = pdpt + 512;
    uint64_t page;

    pml4[0] = (MV_GUEST_TABLES + MV_PAGE) | TABLE_ENTRY;
    pdpt[0] = (MV_GUEST_TABLES + 2 * MV_PAGE) | TABLE_ENTRY;
    for (page = 0; page < MV_GUEST_RAM / LARGE_PAGE; page++) {
        pd[page] = page * LARGE_PAGE | GUEST_LARGE;
    }
}

void mv_arch_vcpu_init(struct mv_vcpu *vcpu)
{
    memset(all_exits, 0xff, sizeof(all_exits));
    guest_tables(vcpu);
    put(vcpu, VMCB_INTERCEPT3 - 4, (uint64_t)INTERCEPT3 << 32);
    put(vcpu, VMCB_INTERCEPT4, INTERCEPT4);
    put(vcpu, VMCB_IO_MAP, (uintptr_t)all_exits);
    put(vcpu, VMCB_MSR_MAP, (uintptr_t)all_exits);
    put(vcpu, VMCB_ASID, vcpu->id + 1);
    put(vcpu, VMCB_INTERRUPT, V_INTR_MASKING);
    put(vcpu, VMCB_NESTED, 1);
    put(vcpu, VMCB_NESTED_CR3, nested_tables(vcpu->ram));
    put_segment(vcpu, VMCB_CS, SEGMENT_CODE);
    put_segment(vcpu, VMCB_DS, SEGMENT_DATA);
    put_segment(vcpu, VMCB_ES, SEGMENT_DATA);
    put_segment(vcpu, VMCB_SS, SEGMENT_DATA);
    put_segment(vcpu, VMCB_GDTR, 0);
    put_segment(vcpu, VMCB_IDTR, 0);
    put_segment(vcpu, VMCB_LDTR, SEGMENT_LDT);
    put_segment(vcpu, VMCB_TR, SEGMENT_TSS);
    put(vcpu, VMCB_EFER, UINT64_C(0x1500)); /* SVME, LMA, LME */
    put(vcpu, VMCB_CR0, UINT64_C(0x80010033));
    put(vcpu, VMCB_CR3, MV_GUEST_TABLES);
    put(vcpu, VMCB_CR4, 0x20); /* PAE */
    put(vcpu, VMCB_DR6, UINT64_C(0xffff0ff0));
    put(vcpu, VMCB_DR7, 0x400);
    put(vcpu, VMCB_RFLAGS, 2);
    put(vcpu, VMCB_RIP, MV_GUEST_IMAGE);
    put(vcpu, VMCB_RSP, MV_GUEST_STACK);
    put(vcpu, VMCB_PAT, UINT64_C(0x0007040600070406));
    vcpu->arch.regs.rdi = vcpu->id;
}

/*
 * A CPU runs one guest for good, and its tables do not change: its address space number needs no
 * flush. Interrupts are on and GIF is clear when VMRUN is executed, so that an interrupt that came
 * since mv_must_stop() was asked makes it exit at once.
 */
MV_DENY enum mv_exit mv_arch_vcpu_run(struct mv_vcpu *vcpu)
{
    struct mv_arch_cpu *arch = &mv_arch_self()->arch;
    struct mv_guest_call *call = &vcpu->call;
    const struct mv_x86_registers *regs = &vcpu->arch.regs;
    uint64_t code;

    __asm__ volatile("clgi" : : : "memory");
    if (mv_must_stop()) {
        __asm__ volatile("stgi" : : : "memory");
        return MV_EXIT_INTERRUPT;
    }
    put(vcpu, VMCB_RAX, call->result);
    x86_run((uintptr_t)vcpu->arch.vmcb, &vcpu->arch.regs, (uintptr_t)arch->host_vmcb);
    __asm__ volatile("stgi" : : : "memory");
    code = get(vcpu, VMCB_EXIT_CODE);
    call->result = get(vcpu, VMCB_RAX);
    if (code == EXIT_INTR || code == EXIT_NMI) {
        return MV_EXIT_INTERRUPT;
    }
    if (code != EXIT_VMMCALL) {
        vcpu->fault_info[0] = code;
        vcpu->fault_info[1] = get(vcpu, VMCB_EXIT_INFO2);
        vcpu->fault_info[2] = get(vcpu, VMCB_RIP);
        return MV_EXIT_FAULT;
    }
    put(vcpu, VMCB_RIP, get(vcpu, VMCB_RIP) + VMMCALL_SIZE);
    call->number = call->result;
    call->args[0] = regs->rdi;
    call->args[1] = regs->rsi;
    call->args[2] = regs->rdx;
    return MV_EXIT_CALL;
}
