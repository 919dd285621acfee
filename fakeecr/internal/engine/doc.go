// Package engine is what ECR runs on: an immutable state, transactions on it, a clock,
// and what happens at a later time. It knows nothing of ECR; a [Domain] does.
//
// # What to know
//
//   - [Engine] runs a domain. Fork and Still copy it in constant time.
//   - [State] is a value: a struct of the domain's with a [Root] in it. A published
//     one never changes, so who has it reads it without a lock.
//   - [Tx] is one transaction. The domain's own has it embedded, so that these are
//     its methods:
//     Read, Write and Attempt open the state;
//     Schedule, Unschedule, Reschedule and Asked are for what happens later;
//     Now, NewID, Number and KeyAt give times, ids and keys;
//     CommitRefusal and Tell are for what is not as with most calls.
//   - [Run] is the one way in which a state changes. Write panics outside of it.
//   - [Stage] is asked about events, and keeps the trace.
//
// # How a call goes
//
// [Run] calls the domain's function. Its first Read or Write locks the engine, lets
// happen what is due (settle), and takes the state: a copy for Write, which the
// engine stays locked for. When the function returns without an error, the copy is
// published: it is the state now, histories remember it, and those who wait look
// again. With an error it is dropped. What happened before, as it was due, stays.
//
// # How an event goes
//
// Schedule puts it in the state, under a key that begins with its time. Nobody waits
// for it: whoever looks at the state next, or advances the clock, finds that it is
// due. If the domain says that it is a call and the stage has a rule for that, the
// rules are asked, while the engine is not locked: from then on it is an [AskedEvent],
// which knows how long they put it off and whether they fail it. Then it happens, or
// fails, in a transaction of its own time, and the stage is told. An event that is due
// before another happens before it.
//
// # Words
//
//   - generation: the number of the transaction that may change a record in place;
//     a record of an earlier one is copied first
//   - settle: let happen what is due
//   - publish: make a state the one that is read
//   - event: what happens at its time without a call; a dueEvent is one that is due,
//     an AskedEvent one that the rules were asked about
//   - view: an earlier state, to answer from
package engine
