/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the benchmark share: the target, the payloads, the clock, the floor.
 *
 * The benchmark links the core library alone and brings a port of its own, whose memory is obtained
 * before any time is taken. Everything in it is deterministic but the times.
 */
#ifndef TEST_BENCH_H
#define TEST_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hotpatch/hotpatch.h>

/* ---- deterministic input (payload.c, attack.c)
 * ---------------------------------------------------------- */

/* A generator of numbers: splitmix64, by its published constants. */
struct bench_random {
    uint64_t state;
};

uint64_t bench_random(struct bench_random *random);

#define BENCH_NAME_MAX 64 /* bytes of a generated name, with its NUL */

/* Makes a name as hypervisors have them, "p2m_alloc_entry_1f3"; distinct for distinct numbers. */
void bench_name(char name[BENCH_NAME_MAX], struct bench_random *random, const char *prefix,
                uint32_t number);

/* What a payload consists of. */
struct bench_spec {
    const char *title;
    uint32_t functions;               /* functions, each with a record of version 2 */
    uint32_t relocations;             /* all of them, the two of each record included */
    uint32_t undefined;               /* distinct symbols of the target that are referred to */
    uint32_t globals;                 /* new global symbols, besides those of the functions */
    uint32_t locals;                  /* named local symbols */
    uint32_t function_bytes;          /* average size of a function */
    bool own_sections;                /* each function in a section of its own */
    bool shuffled;                    /* records out of the order of their functions */
    const struct hp_profile *profile; /* to load it by; NULL: the default */
};

/* A payload file. */
struct bench_payload {
    uint8_t *data;
    size_t size;
    const struct hp_profile *profile; /* to load it by; NULL: the default */
};

struct hp_port;

/* Makes the payload of a specification for a target. */
struct bench_payload bench_payload(const struct bench_spec *spec, const struct hp_port *port);

/* How the symbols of a hostile payload are named. */
enum bench_attack {
    BENCH_COLLIDE,      /* new global symbols whose hashes are all the same */
    BENCH_COLLIDE_LONG, /* the same, with 200 bytes in common before they differ */
    BENCH_IMPORT,       /* undefined symbols of the names that BENCH_COLLIDE provides */
    BENCH_LONGEST       /* undefined weak symbols that share one name of the longest size */
};

/* Makes a payload of one function and `count` symbols named to cost as much as they can. */
struct bench_payload bench_attack(enum bench_attack attack, uint32_t count,
                                  const struct hp_port *port);

/* ---- time (clock.c) ------------------------------------------------------------------------- */

/* The phases of a load, in their order. */
enum bench_phase {
    BENCH_OPEN,    /* extent, trailer, ELF view */
    BENCH_MEASURE, /* counts of sections, symbols and records */
    BENCH_SCAN,    /* checks of every relocation */
    BENCH_IMAGE,   /* layout, image memory, copy */
    BENCH_SYMBOLS, /* resolution */
    BENCH_RELOCATE,
    BENCH_RECORDS, /* records and hooks */
    BENCH_EXPORT,  /* check and index of new symbols */
    BENCH_SEAL,    /* page permissions */
    BENCH_OTHER,   /* identity, work area, what lies between the phases */
    BENCH_PHASES
};

/* A stop watch that charges the time since its last use to a phase. */
struct bench_clock {
    uint64_t last;
    uint64_t overhead; /* ns of one use, which is not charged */
    uint64_t spent[BENCH_PHASES];
};

/* ns; the first is quick to read, the second is not, but leaves out what other programs take. */
uint64_t bench_now(void);
uint64_t bench_cpu_now(void);

/* ns that reading the first takes. */
uint64_t bench_overhead(void);
void bench_clock_start(struct bench_clock *clock);
void bench_clock_charge(struct bench_clock *clock, enum bench_phase phase);

/* ---- port (port.c) -------------------------------------------------------------------------- */

#define BENCH_TARGET_SYMBOLS 10000u
#define BENCH_SYMBOL_SIZE    256u /* bytes of each of them */

/* The target, and memory for one loaded payload at a time and one loaded before. */
struct hp_port {
    struct hp_symtab symbols;
    char *names;               /* of the symbols */
    uint32_t *name_of;         /* by address: offset of a symbol's name */
    uint8_t *text;             /* its code */
    uint8_t *work[2];          /* preallocated work areas */
    uint8_t *image[2];         /* and images */
    uint32_t live;             /* loads whose memory is in use; indexes the two above */
    bool acting;               /* a manager uses it, which allocates more than a load does */
    uint64_t calls;            /* of hp_port_alloc() and hp_port_image_alloc() */
    struct bench_clock *clock; /* NULL: phases are not timed */
};

struct hp_port *bench_port_new(void);
void bench_port_free(struct hp_port *port);

/* Zeroes the image memory, as a port has to; once for each new payload, since loading the same one
 * again writes the same bytes. */
void bench_port_clear(struct hp_port *port);

/* Name of the target's symbol `index`; those below BENCH_TARGET_SYMBOLS / 2 are functions. */
const char *bench_port_name(const struct hp_port *port, uint32_t index);

extern const uint8_t bench_build_id[20];

/* ---- floor (floor.c) ------------------------------------------------------------------------ */

/* What no loader can do without, prepared so that nothing else is done. */
struct bench_floor;

/* Its parts, and all of them in a row as a loader would do them. Names are looked up by the port,
 * in the library's own index, or in a plain one; the faster counts. */
enum bench_floor_part {
    BENCH_FLOOR_COPY,
    BENCH_FLOOR_RELOCATE,
    BENCH_FLOOR_PORT,
    BENCH_FLOOR_PLAIN,
    BENCH_FLOOR_ALL_PORT,
    BENCH_FLOOR_ALL_PLAIN,
    BENCH_FLOOR_PARTS
};

/* Prepares the floor of a loaded payload; NULL, with a message, when its result differs from the
 * loader's. */
struct bench_floor *bench_floor_new(const struct bench_payload *file,
                                    const struct hp_payload *payload);
void bench_floor_free(struct bench_floor *floor);

/* Number of look-ups in it. */
uint32_t bench_floor_look_ups(const struct bench_floor *floor);

/* Does part of the work. The result only keeps the compiler from leaving it out. */
uint64_t bench_floor_run(const struct bench_floor *floor, enum bench_floor_part part);

/* ---- measuring (measure.c) ------------------------------------------------------------------ */

/* How long to measure. */
struct bench_effort {
    uint32_t samples; /* of each quantity */
    double sample;    /* ns that a sample takes at least */
};

#define BENCH_SAMPLES_MAX 64u

/* A quantity in ns. */
struct bench_figure {
    double lowest; /* other programs only add to a time, so this is the one to compare */
    double median;
};

/* What was measured of one payload. */
struct bench_result {
    struct bench_figure load;
    struct bench_figure floor; /* the faster of its two forms */
    struct bench_figure plan;
    struct bench_figure phases[BENCH_PHASES];
    struct bench_figure parts[BENCH_FLOOR_PARTS];
    uint64_t allocs; /* of one load */
    uint32_t symbols;
    uint32_t look_ups;
    size_t image;
};

/* Measures one payload, load and floor by turns. Ends the program when it is refused. */
void bench_measure(struct hp_port *port, const struct bench_payload *file,
                   const struct bench_effort *effort, struct bench_result *result);

/* Lowest ns of one load; `before` is a payload loaded before, or NULL. */
double bench_load_time(struct hp_port *port, const struct bench_payload *file,
                       const struct hp_payload *before, const struct bench_effort *effort);

/* Loads a payload, or ends the program. */
void bench_load(struct hp_payload *payload, struct hp_port *port, const struct bench_payload *file,
                const struct hp_payload *before);

/* ---- actions (actions.c, steps.c) ------------------------------------------------------------ */

/*
 * Prints what an apply and a revert of 1 to 500 functions cost; false when one more function costs
 * too many instructions in the window, or not always the same number.
 */
bool bench_actions(struct hp_port *port, uint32_t samples);

/* Instructions of a call that a child process makes. It must not depend on the process. */
uint64_t bench_count(void (*work)(void *), void *data);

/* ---- growth (growth.c) ---------------------------------------------------------------------- */

/* Prints the cost per unit of payloads of growing size; false when it grows too much. */
bool bench_growth(struct hp_port *port, const struct bench_effort *effort);

#endif
