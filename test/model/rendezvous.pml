/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rendezvous of src/apply/rendezvous.c as a model for Spin: the same functions under the same
 * names, each access to the shared word a step of its own, so that all interleavings are tried.
 *
 * CPUS CPUs execute code and pass safe points for ever; a caller schedules OPS actions, one after
 * the other. An action is patient (its time-out never comes) or not (it may come whenever the
 * acting CPU looks at the clock). What must hold, and is asserted, or else seen as a state in which
 * the model is stuck:
 *
 *   - Nobody executes code while it is written, nor instructions fetched before it was: not in
 *     between safe points, and not in an interrupt, which may come wherever interrupts are on.
 *   - One CPU acts at a time, and each action that is scheduled ends, once.
 *   - All but the acting CPU are counted when the window opens; never more.
 *   - A patient action for which the CPUs can be held is carried out, whatever happened before it:
 *     nobody waits for something that does not come.
 *   - The report of a time-out counts those who came, and names none of them.
 *
 * run.sh also checks mutants, changes of single lines, which must be found out.
 */
#define CPUS   4
#define OPS    3
#define OTHERS (CPUS - 1)
#define SELF   _pid /* the CPUs are processes 0 to CPUS - 1 */

#define IDLE      0
#define SCHEDULED 1
#define GATHER    2
#define QUIET     3

/* The word. It is read, written, and compared and swapped as a whole: in one step. */
byte generation = 0;
byte phase = IDLE;
byte count = 0;

/* manager->arrived, by CPU: whether it is the generation and phase of the word. */
bool marked[CPUS] = false;

bool busy = false;    /* manager->action.sequence is odd */
bool patient = false; /* this action does not time out */

/* What the machine does. */
bool stale[CPUS] = false; /* it may have fetched instructions from before the last change */
bool interrupts[CPUS] = true;

/* For the assertions. */
byte acting = 0;
byte ended = 0;
bool counted[CPUS] = false; /* arrived in the phase that is open */
byte i;

#define word_is(g, p, c) (generation == (g) && phase == (p) && count == (c))
#define all_counted      (counted[0] + counted[1] + counted[2] + counted[3])

/* ---- the machine ----------------------------------------------------------------------------- */

/*
 * A CPU whose interrupts are on may execute any code at any moment: one that is between its safe
 * points does, and so does an interrupt. So what it could execute has to be sound all the time that
 * they are on; it is looked at where that may end.
 */
#define may_execute(cpu) (interrupts[cpu])

inline hp_manager_window() {
    d_step {
        assert(all_counted == OTHERS && acting == 1);
        i = 0;
        do
        :: i < CPUS -> assert(!may_execute(i)); stale[i] = true; i++
        :: else -> break
        od;
        i = 0
    }
}

inline serialise() {
    stale[SELF] = false
}

inline interrupts_off() {
    interrupts[SELF] = false
}

inline interrupts_restore() {
    interrupts[SELF] = true;
    assert(!stale[SELF])
}

/* ---- the word -------------------------------------------------------------------------------- */

/* Into the locals g, p, c. */
#define load_word g = generation; p = phase; c = count

/* What is not looked at any more must not make states differ. */
#define forget_word g = 0; p = 0; c = 0

/* What is published has counted nobody. */
inline publish(new_generation, new_phase) {
    d_step {
        generation = new_generation;
        phase = new_phase;
        count = 0;
        i = 0;
        do
        :: i < CPUS -> counted[i] = false; marked[i] = false; i++
        :: else -> break
        od;
        i = 0
    }
}

/* ---- a CPU that is not the acting one -------------------------------------------------------- */

/* ok tells whether it is counted. The own generation is in own. */
inline arrive(own_phase) {
    do
    :: atomic {
            marked[SELF] = (generation == own && phase == own_phase);    /* arrive: mark */
            load_word;                                                   /* arrive: look */
            if
            :: g != own || p != own_phase -> ok = false; forget_word; break
            :: else
            fi
        }
        atomic {
            ok = word_is(g, p, c);                                       /* arrive: compare */
            if
            :: ok -> count++; counted[SELF] = true; forget_word; break   /* arrive: swap */
            :: else -> forget_word
            fi
        }
    od
}

/* To look again at a word that has not changed is no other state, so that it waits for a change. */
inline wait_out(own_phase) {
    atomic {
        (generation != own || phase != own_phase) ->                     /* wait_out: over */
        ok = (generation == own && phase == QUIET)                       /* wait_out: goes on */
    }
}

inline follow() {
    arrive(GATHER);
    if
    :: ok -> wait_out(GATHER)
    :: else
    fi;
    if
    :: ok ->
        interrupts_off();                                                /* follow: off */
        arrive(QUIET);                                                   /* follow: arrive */
        if
        :: ok -> wait_out(QUIET)                                         /* follow: wait */
        :: else
        fi;
        d_step {
            serialise();                                                 /* follow: serialise */
            interrupts_restore()
        }
    :: else
    fi
}

/* ---- the acting CPU -------------------------------------------------------------------------- */

/* Once the word cannot be incremented: who is counted is not named. */
inline report_missing() {
    d_step {
        do
        :: i < CPUS ->
            assert(!counted[i] || marked[i]);
            i++
        :: else -> break
        od;
        i = 0
    }
}

/* ok tells whether all came. */
inline await(own_phase) {
    publish(own, own_phase);                                             /* await: opens */
    do
    :: atomic {
            (!patient || count == OTHERS) -> load_word;                  /* await: looks */
            assert(g == own && p == own_phase && c <= OTHERS);
            ok = (c == OTHERS);
            if
            :: ok || patient -> forget_word
            :: else
            fi
        }
        if
        :: ok -> break
        :: !ok && !patient ->
            d_step {
                if
                :: word_is(g, p, c) ->                                   /* await: compare */
                    assert(c == all_counted);
                    generation = own + 1; phase = IDLE; count = 0        /* await: gives up */
                :: else -> ok = true
                fi;
                forget_word
            }
            if
            :: !ok -> report_missing(); break
            :: ok
            fi
        :: !ok -> forget_word /* it is not yet time */
        fi
    od
}

inline stop() {
    interrupts_off();                                                    /* stop: off */
    await(QUIET);                                                        /* stop: await */
    if
    :: ok ->
        hp_manager_window();                                                 /* stop: write */
        serialise();                                                     /* stop: serialise */
        publish(own + 1, IDLE)                                           /* stop: release */
    :: else
    fi;
    interrupts_restore()
}

inline meet() {
    await(GATHER);
    if
    :: ok -> stop()
    :: else
    fi
}

inline hp_manager_finish() {
    d_step { assert(busy && acting == 1); acting--; ended++; busy = false }
}

inline act() {
    own = generation; /* nobody else changes it now */
    if
    :: meet(); assert(!patient || ok)
    :: true /* the CPUs could not be held */
    fi;
    hp_manager_finish()
}

/* ---- entries --------------------------------------------------------------------------------- */

inline hp_manager_claim() {
    d_step {
        ok = word_is(g, p, c);                                           /* claim: compare */
        if
        :: ok -> phase = IDLE; acting++; assert(acting == 1)
        :: else
        fi;
        forget_word
    }
}

/* With the word that was seen in g, p, c. */
inline hp_safe_point_slow() {
    if
    :: p == SCHEDULED ->
        hp_manager_claim();
        if
        :: ok -> act()
        :: else
        fi
    :: p == GATHER ->
        d_step { own = g; forget_word }
        follow()
        /* QUIET is seen only by CPUs that do not count; here all do. */
    fi
}

active [CPUS] proctype cpu() {
    byte own, g, p, c;
    bool ok;

end:
    do
    :: atomic { phase != IDLE -> load_word }
        hp_safe_point_slow();
        d_step { own = 0; ok = false }
    od
}

inline hp_rendezvous_start() {
    publish(generation, SCHEDULED)
}

active proctype caller() {
    byte op = 0;

    do
    :: op < OPS ->
        atomic {
            !busy -> assert(ended == op && phase == IDLE);
            busy = true;
            if
            :: patient = true
            :: patient = false
            fi
        }
        hp_rendezvous_start();
        op++
    :: else -> break
    od;
    !busy -> assert(ended == OPS)
}
