/* Swaps and the inbox: each command is carried out at most once, and each caller was told what is so.
 *
 * Two clones share one ledger; one gives two commands, one after the other, the other one. Each looks at the ledger and
 *   sends a swap     compare the tip; carry out its own command, and what is posted and valid
 *   posts            a ref of its own with the command, and the counter that the ledger has for this clone
 *   withdraws        compare-and-delete of its post
 *   answers          DONE where `applied` names the command; NOT_DONE where nothing that was sent can still land
 *   dies             its caller gets no answer; its next process goes on with what is on disk
 * What was sent is carried out at some time later, or never, and that is all that is heard of it: an answer tells no
 * more than the next look. So looking and sending are one step here; what comes between them comes while it is sent.
 *
 * `gitcoord/ledger/transactions` says the same in words: TXN-1, TXN-2, TXN-4, and the rules of `inbox`. Each define
 * leaves one of them out, and the search must find what that breaks: NO_COMPARE, NO_LOOK, NO_VOID, SAYS_EARLY.
 */

#define CLONES 2
#define COMMANDS 2
#define TRIES 2 /* swaps of the first clone that may be on their way at once; of the other, one */

#define ID(clone, command) ((clone) * COMMANDS + (command) - 1)
#define SLOT(clone, try) ((clone) * TRIES + (try))
#define HAS(posts, clone) (((posts) >> (clone)) & 1)

mtype = { DONE, NOT_DONE, UNKNOWN };

/* the remote: the ledger, and the refs of the inbox */
byte tip, last[CLONES], counter[CLONES]; /* of each clone the command that `applied` names, and how many landed */
byte posted[CLONES], posted_under[CLONES]; /* the command (0: no post), and the counter that it names */

/* on its way: swaps, posts */
bool flies[CLONES * TRIES];
byte from_tip[CLONES * TRIES], carries[CLONES * TRIES], folds[CLONES * TRIES];
byte post_flies[CLONES], post_under[CLONES];

/* what must be so */
byte times[CLONES * COMMANDS];
mtype said[CLONES * COMMANDS];

inline carry_out(whose, which) {
    times[ID(whose, which)]++;
    last[whose] = which;
    counter[whose]++;
    assert(times[ID(whose, which)] == 1);
    assert(said[ID(whose, which)] != NOT_DONE)
}

inline fold(whose) {
    if
    :: HAS(folds[at], whose) -> carry_out(whose, posted[whose]); posted[whose] = 0
    :: else
    fi
}

inline forget(try) {
    flies[try] = false; from_tip[try] = 0; carries[try] = 0; folds[try] = 0
}

inline forget_late(try) { /* what is expected to find an older tip can do nothing any more */
#ifndef NO_COMPARE
    if
    :: flies[try] && from_tip[try] != tip -> forget(try)
    :: else
    fi
#else
    skip
#endif
}

proctype Swap(byte at) {
end:
    do
    :: d_step {
           flies[at] ->
           if
#ifdef NO_COMPARE
           :: true ->
#else
           :: tip == from_tip[at] && (!HAS(folds[at], 0) || posted[0]) && (!HAS(folds[at], 1) || posted[1]) ->
#endif
               tip++;
               fold(0);
               fold(1);
               if
               :: carries[at] -> carry_out(at / TRIES, carries[at])
               :: else
               fi
           :: else
           fi;
           forget(at);
           forget_late(0); forget_late(1); forget_late(2)
       }
    od
}

proctype Post(byte whose) {
end:
    do
    :: d_step {
           post_flies[whose] ->
           if
           :: !posted[whose] -> posted[whose] = post_flies[whose]; posted_under[whose] = post_under[whose]
           :: else
           fi;
           post_flies[whose] = 0; post_under[whose] = 0
       }
    od
}

inline answer(what) {
    said[ID(self, command)] = what;
    assert(what != DONE || times[ID(self, command)] == 1);
    assert(what != NOT_DONE || times[ID(self, command)] == 0);
    command++
}

#ifdef NO_VOID
#define IS_VALID(clone) (posted[clone] > 0)
#else
#define IS_VALID(clone) (posted[clone] > 0 && posted_under[clone] == counter[clone])
#endif
#ifdef SAYS_EARLY
#define MAY_SAY_NO true
#else
#define MAY_SAY_NO !is_open[0] && !is_open[1] && !has_post
#endif
#ifdef NO_LOOK
#define IS_APPLIED false
#else
#define IS_APPLIED last[self] == command
#endif

proctype Clone(byte self, commands, tries) {
    byte command = 1, at, valid;
    bool is_open[TRIES], has_post; /* on disk: what was sent and may still land; what was posted, */
    byte base[TRIES], under;       /* from which tip, and under which counter */
    do
    :: atomic { command > commands -> break }
    :: atomic {
           command <= commands ->
           is_open[0] = is_open[0] && base[0] == tip; /* what cannot land any more is open no longer */
           is_open[1] = is_open[1] && base[1] == tip;
           has_post = has_post && under == counter[self];
           at = (is_open[0] || flies[SLOT(self, 0)] -> 1 : 0);
           if
           :: IS_APPLIED -> answer(DONE)
           :: !(IS_APPLIED) ->
               if
               :: at < tries && !is_open[at] && !flies[SLOT(self, at)] ->
                   valid = (IS_VALID(0) -> 1 : 0) + (IS_VALID(1) -> 2 : 0);
                   from_tip[SLOT(self, at)] = tip;
                   folds[SLOT(self, at)] = valid;
                   carries[SLOT(self, at)] = (HAS(valid, self) -> 0 : command);
                   flies[SLOT(self, at)] = true;
                   is_open[at] = true;
                   base[at] = tip;
                   valid = 0
               :: !has_post && !is_open[0] && !is_open[1] && !post_flies[self] && !posted[self] ->
                   post_flies[self] = command;
                   post_under[self] = counter[self];
                   has_post = true;
                   under = counter[self]
               :: has_post && posted[self] == command -> posted[self] = 0; has_post = false /* it withdraws */
               :: MAY_SAY_NO -> answer(NOT_DONE)
               :: answer(UNKNOWN)
               :: command++ /* it dies: nobody waits for an answer */
               fi
           fi;
           at = 0
       }
    od
}

init {
    atomic {
        run Swap(0); run Swap(1); run Swap(2);
        run Post(0); run Post(1);
        run Clone(0, 2, 2); run Clone(1, 1, 1)
    }
}
