/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rendezvous: how all CPUs come to stand still, and go on again. SPEC section 11.
 *
 * All that the CPUs share is one word of {generation, count, phase}. test/model/rendezvous.pml is
 * this file as a model, function by function under the same names, which the tests check in all
 * interleavings; whoever changes one changes the other. What makes it sound:
 *
 * - A CPU arrives by a compare-and-swap of the whole word, so that it can arrive only in the
 *   generation and phase that it saw. One that was delayed across a time-out finds another
 *   generation and does nothing. The generation comes round after 131,072 actions; a CPU that slept
 *   through so many of them counts itself in where it is wanted.
 * - The acting CPU gives up by a compare-and-swap of the very word that it found incomplete, so
 *   that nobody can be counted in between.
 * - CPUs wait for the end of the phase that they saw: whatever ends an action ends that.
 * - Interrupts are off before a CPU arrives in the second phase, and stay so until it goes on.
 * - The count cannot reach the generation: each CPU but the acting one is counted once in a phase,
 *   numbers of CPUs are below HP_SAFEPOINT_CPUS_MAX (hp_manager_init() sees to that), and where a
 *   port breaks its contract arrive() still counts no further.
 *
 * Memory order: the arrivals (release) are seen by the acting CPU (acquire) before it writes; its
 * writes come before the word's new generation (release), which the waiting CPUs see (acquire)
 * before they serialise and go on.
 */
#include "apply/handle.h"

enum { PHASE_IDLE, PHASE_SCHEDULED, PHASE_GATHER, PHASE_QUIET };

#define COUNT_ONE        UINT32_C(4)
#define GENERATION_SHIFT 15
#define GENERATION_ONE   (UINT32_C(1) << GENERATION_SHIFT)
#define GENERATION_MASK  (~UINT32_C(0) << GENERATION_SHIFT)
#define COUNT_MAX        (HP_SAFEPOINT_CPUS_MAX - 1) /* all but the acting CPU */

_Static_assert(HP_SAFEPOINT_PHASE == COUNT_ONE - 1, "phase and count meet and do not overlap");
_Static_assert(COUNT_MAX == GENERATION_ONE / COUNT_ONE - 1,
               "the largest count fills its field and does not reach the generation");

/* The acting CPU's view of one rendezvous. */
struct rendezvous {
    struct hp_manager *manager;
    uint32_t generation; /* in its place in the word, like all of them here */
    uint32_t self;
    uint32_t others; /* CPUs that have to arrive */
    uint64_t start;
    uint64_t timeout_ns;
};

static uint32_t generation_of(uint32_t word)
{
    return word & GENERATION_MASK;
}

static uint32_t phase_of(uint32_t word)
{
    return word & HP_SAFEPOINT_PHASE;
}

static uint32_t count_of(uint32_t word)
{
    return (word & ~GENERATION_MASK) / COUNT_ONE;
}

static uint32_t load_word(const struct hp_manager *manager)
{
    return __atomic_load_n(&manager->safepoint.word, __ATOMIC_ACQUIRE);
}

/* Used where no other CPU may change the word; see the model. */
static void publish(struct hp_manager *manager, uint32_t word)
{
    __atomic_store_n(&manager->safepoint.word, word, __ATOMIC_RELEASE);
}

/* Replaces the word if it still is what it was. */
static bool exchange(struct hp_manager *manager, uint32_t expected, uint32_t word)
{
    return __atomic_compare_exchange_n(&manager->safepoint.word, &expected, word, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* ---- a CPU that is not the acting one -------------------------------------------------------- */

/* Counts this CPU in; false when the generation or phase is over. */
static bool arrive(struct hp_manager *manager, uint32_t generation, uint32_t phase)
{
    uint32_t self = hp_port_cpu_self(manager->port);

    /* Before it counts, so that no report names a CPU that has come. */
    __atomic_store_n(&manager->arrived[self], generation | phase, __ATOMIC_RELAXED);
    for (;;) {
        uint32_t word = load_word(manager);

        if (generation_of(word) != generation || phase_of(word) != phase ||
            count_of(word) == COUNT_MAX) {
            return false;
        }
        if (exchange(manager, word, word + COUNT_ONE)) {
            return true;
        }
    }
}

/* Waits until a phase is over; true when the same generation goes on to the next. */
static bool wait_out(struct hp_manager *manager, uint32_t generation, uint32_t phase)
{
    for (;;) {
        uint32_t word = load_word(manager);

        if (generation_of(word) != generation || phase_of(word) != phase) {
            return generation_of(word) == generation && phase_of(word) == PHASE_QUIET;
        }
        hp_port_relax(manager->port);
    }
}

static void follow(struct hp_manager *manager, uint32_t generation)
{
    uintptr_t interrupts;

    if (!arrive(manager, generation, PHASE_GATHER) ||
        !wait_out(manager, generation, PHASE_GATHER)) {
        return;
    }
    interrupts = hp_port_interrupts_off(manager->port);
    if (arrive(manager, generation, PHASE_QUIET)) {
        (void)wait_out(manager, generation, PHASE_QUIET);
    }
    hp_port_serialise(manager->port);
    hp_port_interrupts_restore(manager->port, interrupts);
}

/* ---- the acting CPU ------------------------------------------------------------------------ */

/* Says which CPUs had not come, once the word can no longer be incremented. */
static void report_missing(const struct rendezvous *rendezvous, uint32_t phase)
{
    struct hp_manager *manager = rendezvous->manager;
    struct hp_action_report *report = &manager->report;
    uint32_t cpu = hp_port_cpu_next(manager->port, 0);

    for (; cpu < manager->cpu_limit; cpu = hp_port_cpu_next(manager->port, cpu + 1)) {
        uint32_t arrived = __atomic_load_n(&manager->arrived[cpu], __ATOMIC_RELAXED);

        if (cpu != rendezvous->self && arrived != (rendezvous->generation | phase) &&
            report->missing_count < HP_REPORT_CPUS) {
            report->missing[report->missing_count] = cpu;
            report->missing_count++;
        }
    }
}

/* Opens a phase and waits until all others have arrived in it, or ends the generation. */
static enum hp_status await(const struct rendezvous *rendezvous, uint32_t phase)
{
    struct hp_manager *manager = rendezvous->manager;
    struct hp_action_report *report = &manager->report;

    report->phase = phase == PHASE_GATHER ? HP_PHASE_GATHER : HP_PHASE_QUIET;
    publish(manager, rendezvous->generation | phase);
    if (phase == PHASE_GATHER) {
        hp_port_cpus_kick(manager->port);
    }
    for (;;) {
        uint32_t word = load_word(manager);

        report->arrived = count_of(word);
        if (report->arrived == rendezvous->others) {
            return HP_OK;
        }
        report->wait_ns = hp_port_now(manager->port) - rendezvous->start;
        if (report->wait_ns >= rendezvous->timeout_ns &&
            exchange(manager, word, rendezvous->generation + GENERATION_ONE)) {
            report_missing(rendezvous, phase);
            return HP_RENDEZVOUS_TIMEOUT;
        }
        hp_port_relax(manager->port);
    }
}

/* All have come: stops them, carries the action out, lets them go on. */
static enum hp_status stop(const struct rendezvous *rendezvous)
{
    struct hp_manager *manager = rendezvous->manager;
    uintptr_t interrupts = hp_port_interrupts_off(manager->port);
    enum hp_status status = await(rendezvous, PHASE_QUIET);

    if (status == HP_OK) {
        uint64_t stopped = hp_port_now(manager->port);

        manager->report.wait_ns = stopped - rendezvous->start;
        manager->report.phase = HP_PHASE_STOPPED;
        hp_port_window_enter(manager->port);
        status = hp_manager_window(manager);
        hp_port_serialise(manager->port); /* before an NMI that waited is taken */
        hp_port_window_leave(manager->port);
        publish(manager, rendezvous->generation + GENERATION_ONE);
        manager->report.window_ns = hp_port_now(manager->port) - stopped;
    }
    hp_port_interrupts_restore(manager->port, interrupts);
    return status;
}

static enum hp_status meet(struct hp_manager *manager)
{
    struct hp_port *port = manager->port;
    struct rendezvous rendezvous = {.manager = manager,
                                    .generation = generation_of(load_word(manager)),
                                    .self = hp_port_cpu_self(port),
                                    .start = hp_port_now(port),
                                    .timeout_ns = manager->action.timeout_ns};
    uint32_t cpu = hp_port_cpu_next(port, 0);
    enum hp_status status;

    for (; cpu < manager->cpu_limit; cpu = hp_port_cpu_next(port, cpu + 1)) {
        rendezvous.others += cpu != rendezvous.self;
    }
    manager->report.actor = rendezvous.self;
    manager->report.cpus = rendezvous.others;
    status = await(&rendezvous, PHASE_GATHER);
    return status == HP_OK ? stop(&rendezvous) : status;
}

static void act(struct hp_manager *manager)
{
    enum hp_status status = hp_port_cpus_hold(manager->port);

    if (status == HP_OK) {
        status = meet(manager);
        hp_port_cpus_release(manager->port);
    }
    hp_manager_finish(manager, status);
}

/* ---- entries --------------------------------------------------------------------------------- */

void hp_rendezvous_start(struct hp_manager *manager)
{
    publish(manager, generation_of(load_word(manager)) | PHASE_SCHEDULED);
    hp_port_cpus_kick(manager->port);
}

bool hp_manager_claim(struct hp_manager *manager)
{
    uint32_t word = load_word(manager);

    return phase_of(word) == PHASE_SCHEDULED && exchange(manager, word, generation_of(word));
}

void hp_safe_point_slow(struct hp_safepoint *safepoint)
{
    struct hp_manager *manager = (struct hp_manager *)(void *)safepoint;
    uint32_t word = load_word(manager);

    switch (phase_of(word)) {
    case PHASE_SCHEDULED:
        if (hp_manager_claim(manager)) {
            act(manager);
        }
        break;
    case PHASE_GATHER:
        follow(manager, generation_of(word));
        break;
    default:
        break; /* it is over, or does not count on this CPU */
    }
}
