// Package registry is ECR: the state of a world of registries, and the operations on
// it.
//
// # What to know
//
//   - [World] is the registries of all accounts and regions that are neighbours. It
//     is an [engine.Engine] with ECR for its domain.
//   - root (world.go) is its state: registries by [Place], and what they share.
//     registryState holds repository, repository holds image, layer and upload. They are
//     records in ordered copy-on-write maps ([cow.Map]).
//   - [Tx] is one call's view of a world: who calls which registry, and what the
//     engine offers a transaction. The 62 operations are its methods, with the types
//     of the SDK: a file a resource, with the texts of its errors at the end.
//   - event and callEvent (events.go) are what happens without a call.
//   - [Stage] and [Upstream] are what the state asks for and does not know.
//
// # How a call goes
//
// Whoever has a call makes a transaction (World.NewTx), sets what else the call says,
// and has [Run] call the operation:
//
//	registry.Run(&tx, func() (*ecr.PutImageOutput, error) { return tx.PutImage(ctx, in) })
//
// The operation does what is slow first. It reads by tx.repository and tx.registry,
// and changes by tx.changeRepository and tx.changeRegistry, which give it a copy of
// its own. Records that it got hold of are never written otherwise; a new version of
// one is put into its map, with the generation of the record that has the map. An
// error forgets it all.
//
// # How an event goes
//
// An operation makes it: tx.Schedule(tx.Now().Add(scanTime), scanCompletion{…}). It
// names what it is about, and holds no record, for that may have changed or gone when
// it is due. Then its call says what is due, if anything is left of it, for rules and
// the trace, and its happen, or its fail where a rule wants that, changes the state.
//
// # Tests
//
// What a resource does is tested by calls, on all faces, in the test file of its name
// (package faces). A test that has to look inside is in the one that ends in
// _internal_test.go.
//
// # Words
//
//   - world: the registries of all accounts and regions that see one another
//   - place: an account and a region, where a registry is; a key is one of KMS
//   - target: the registry that an input is about, which its registryId may name
//   - establish: find a repository, or make it of a template
//   - event: what happens without a call, at its time; its type is a noun, as
//     scanCompletion. A callEvent is a call as well, such as CompleteScan
//   - shipment: images on their way from upstream
//   - pusher: who pushed, for whom images are signed
//   - holdings: what a service beside ECR holds, as far as a test told it
//   - still: that nothing happens by itself, for who only looks
package registry
