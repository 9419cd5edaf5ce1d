/* The journal of a home store: what was acknowledged survives kills and a power cut.
 *
 * Processes of one clone append records under its lock. A record is written in two parts, flushed, and only then
 * answered. Who is killed leaves what it has written and a free lock; whoever comes next cuts off half a record. Now and
 * then a process writes the records out to the repository, without a flush, and notes how far. A power cut takes from
 * each file what was not flushed, or a part of that; what opens the store then reads the journal from its beginning.
 *
 * `gitcoord/remote/journal` and `remote/store/journaled_refs` say the same in words (STORE-1). Each define leaves a rule
 * out: NO_FLUSH, NO_CUT, TRUSTS_NOTE (what was noted as written out is not read again after a power cut).
 */

#define WRITERS 2
#define RECORDS 2 /* of each writer; a record is a number from 1, in order */

bool locked;
byte whole, flushed; /* whole records that the file has, and those of them that a power cut leaves */
bool half;           /* behind them there is half a record */
byte spoiled;        /* whole records behind half a one, which no reader can find: none, if all goes well */
byte in_repository;  /* records that the repository has, as a power cut may take them */
byte kept_there;     /* those that it leaves */
byte noted;          /* as far as the journal's header says that the repository has them */
byte acknowledged;

inline append() {
    d_step { !locked -> locked = true }
#ifndef NO_CUT
    half = false;
#endif
    if
    :: half -> spoiled++
    :: !half -> half = true /* the first part of it */
    fi;
    if
    :: locked = false; goto killed
    :: d_step { half && spoiled == 0 -> half = false; whole++ } /* and the rest */
    :: spoiled -> skip
    fi;
#ifndef NO_FLUSH
    if
    :: locked = false; goto killed
    :: flushed = whole
    fi;
#endif
    d_step {
        acknowledged++;
        assert(whole >= acknowledged); /* none that was answered lies behind half a one */
        locked = false
    }
}

proctype Writer() {
    byte count;
    do
    :: count == RECORDS -> break
    :: count < RECORDS ->
        count++;
        append()
    od;
killed:
    skip
}

proctype WritesOut() {
    byte far;
    far = whole;
    d_step { far > in_repository -> in_repository = far };
    noted = in_repository
}

proctype PowerCut() {
    byte left, found;
    atomic {
        /* of the journal at least what was flushed; of the repository anything */
        left = flushed;
        found = kept_there;
#ifdef TRUSTS_NOTE
        left = (noted >= flushed -> found : left);
#endif
        assert(left >= acknowledged || found >= acknowledged)
    }
}

init {
    atomic {
        run Writer(); run Writer(); run WritesOut(); run PowerCut()
    }
}
