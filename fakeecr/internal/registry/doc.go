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
//     Constraints of the service model were checked before, by package constraint.
//   - event and callEvent (events.go) are what happens without a call.
//   - [Stage] and [Upstream] are what the state asks for and does not know.
//
// # Where what is
//
//	repositories, mutability, resourcetags, policies      repositories and what they are set to
//	uploads, layerparts                                   what is pushed of a layer
//	layers, layercontent, mounts, downloads               layers and their bytes
//	images, imageids, imagelists, imagebatch, referrers   images, one, listed, pulled and related
//	storage, deletions                                    the archive, and what goes away
//	scanning, examination, findings                       how is scanned, the scanner's run, what it found
//	lifecycle, previews                                   lifecycle policies
//	replication, replicas, backfills, backfillruns        where to, what arrives, and what was there before
//	pullthrough, upstream, pulls, layerpulls,             caches, what they are of, and what
//	referrerpulls                                         they bring
//	templates                                             repositories that a push, pull or replica makes
//	signing                                               what is signed when it is pushed
//	account, quotas, exclusions                           a registry's settings and limits
//	authorization, publictoken, sessions                  tokens, and the sessions of roles
//	access, conditionkeys                                 who may
//	kms, secrets                                          what services beside ECR hold
//	endpoints                                             hosts and URIs in answers
//	facts                                                 what a snapshot shows
//	world, tx, events, page, errors                       what all of them need
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
// The methods named happen are the list of what comes by itself: a scan completes in
// scanning.go, for one.
//
// # Tests
//
// What calls and their answers show of ECR is stated in package transcript, and played
// on all faces. What a statement cannot say is tested by calls (package faces), in the
// test file of the resource's name; besides, of templates in createonpush_test.go, of
// replicas in arrivals_test.go, of pulls in refresh_test.go, of findings in
// scanstatus_test.go and in package fakeecr, of mounts and sessions in package
// entrance. A test that has to look inside is in a file that ends in
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
//   - part: what one UploadLayerPart brings; piece: bytes of a part or a layer, kept as
//     they came
//   - upstream: the registry that a cache pulls from; shipment: images on their way
//     from there
//   - pusher: who pushed, for whom images are signed
//   - holdings: what a service beside ECR holds, as far as a test told it
//   - still: that nothing happens by itself, for who only looks
package registry
