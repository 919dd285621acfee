// Package stage is a world on stage: the way of every call, whichever face it comes
// in by, through the trace, the scenarios in play, the policies and the constraints
// to its operation.
//
// # What to know
//
//   - [Stage] is what the registries of one world share: its world, its trace, and
//     the scenarios in play.
//   - [Operations] is the table of ECR's operations, and the project's page of
//     contents.
//   - [Caller] is who calls which registry.
//   - [PlayedScenario] is a scenario in play, and a playedRule one of its rules.
//   - registryStage is the stage as the state sees it: [registry.Stage].
//   - [Reply] is a reply on its way to the caller.
//
// # How a call goes
//
// An entrance makes a call ([Stage.NewCall]), sets its input, and has it carried out
// ([Stage.Do]). Each step passes it to the next:
//
//	record     gives it a number and keeps it for the trace, with what it came to
//	pace       lets the polls of the SDK's waiters take a millisecond
//	watch      shows it to the functions of Watch, which may refuse it
//	play       has the rules in play meet it, in their order: they keep it waiting,
//	           fail it, answer instead, or change what it answers
//	authorize  refuses a caller who may not do it
//	constrain  refuses an input that cannot be
//	run        is the operation of the table, a transaction on the state
//
// [Stage.DoFixture] leaves out all but the last two, for fixtures. What no operation of the
// API offers is a pseudo-operation (uploads.go, downloads.go; identity.go for what is
// asked of other services): it is recorded and played, and asks for the permission of
// the operation that it stands beside. The entrance then sends what came of a call by
// its [Reply] (reply.go), which a rule may lose, cut or slow down.
//
// What a rule does before the operation is in playedrule.go, what it does to the input
// or the answer in effects.go, to the bytes of a layer in damaged.go.
//
// # How an event goes
//
// The engine asks registryStage about what is due. The rules that are about it meet it as
// they do a call, but nobody waits: the engine is told that it is to happen later, by its
// [engine.AskedEvent], or to fail. When it has happened, registryStage is told, and
// records it.
//
// # Words
//
//   - played: a scenario or a rule in play, with its numbers
//   - call: one on its way to its operation, a [dispatch.Call]
//   - record: what rules and the trace see of a call, which users know as a
//     [scenarios.Call]
//   - ruling: what the rules in play make of one call, which meets all rules of a
//     scenario in one state of it
//   - firing: a rule that fires on a call
//   - gate: keeps calls waiting until they are let go
//   - group: the calls of one rule that go on together
//   - near: a call that a rule almost fired on
//   - look: a question to an upstream registry, which is a call too
package stage

//go:generate go test -run ^TestFaultsArePrinted$ . -args -print
