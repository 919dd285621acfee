package stage

import (
	"context"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// UploadPart carries out the UploadLayerPart whose bytes are a stream, of length
// bytes or of any number if that is negative. They are kept as they come in.
func (s *Stage) UploadPart(ctx context.Context, call *dispatch.Call, body io.Reader, length int64) (any, error) {
	in := call.Input.(*ecr.UploadLayerPartInput)
	target, _ := Operations[call.Name].Target(in, call.Tx.Place)
	call.Tx.Part, call.Unreadable = s.World.Receive(target, call.Tx.Endpoint, in, body, length)
	in.LayerPartBlob = []byte{} // there, as the service model wants it
	return s.Do(ctx, call)
}

// partOf is the bytes of a layer part, which are the call's own if they came as a
// stream.
func partOf(call *dispatch.Call, in *ecr.UploadLayerPartInput) []byte {
	if call.Tx.Part != nil {
		return call.Tx.Part.Bytes()
	}
	return in.LayerPartBlob
}

// whole is the input of a call for a function of the user's: that of a layer part
// has its bytes, however they came.
func whole(call *dispatch.Call) any {
	in, ok := call.Input.(*ecr.UploadLayerPartInput)
	if !ok || call.Tx.Part == nil {
		return call.Input
	}
	shown := *in
	shown.LayerPartBlob = call.Tx.Part.Bytes()
	return &shown
}

// takeBack makes what a function of the user's passes on the bytes of a layer part
// that came as a stream, which may be more than an input may have.
func takeBack(call *dispatch.Call) {
	in, ok := call.Input.(*ecr.UploadLayerPartInput)
	if !ok || call.Tx.Part == nil {
		return
	}
	kept := *in
	kept.LayerPartBlob = []byte{}
	call.Input, call.Tx.Part = &kept, call.Tx.Part.Replaced(slices.Clone(in.LayerPartBlob))
}

// garble changes the byte of a layer part at an offset, if it has so many.
func garble(call *dispatch.Call, in *ecr.UploadLayerPartInput, at int64) bool {
	if at >= int64(len(partOf(call, in))) {
		return false
	}
	blob := slices.Clone(partOf(call, in))
	blob[at] ^= 0xff
	call.Tx.HandsOver = true
	if call.Tx.Part != nil {
		call.Tx.Part = call.Tx.Part.Replaced(blob)
		return true
	}
	garbled := *in
	garbled.LayerPartBlob = blob
	call.Input = &garbled
	return true
}

// GetEndpoint carries out the call of [scenarios.GetEndpoint] whose input the call
// has, for a caller who is refused or, without an error, is not.
func (s *Stage) GetEndpoint(ctx context.Context, call *dispatch.Call, refused error) error {
	in := call.Input.(*scenarios.GetEndpointInput)
	call.Record.Account = *in.RegistryId
	call.Run = func(context.Context, *dispatch.Call) (any, error) { return nil, refused }
	_, err := s.pseudo(ctx, call)
	return err
}

// Mount carries out the call of [scenarios.MountLayer] whose input the call has.
func (s *Stage) Mount(ctx context.Context, call *dispatch.Call) error {
	in := call.Input.(*scenarios.MountLayerInput)
	_, err := beside(ctx, s, call, "ecr:InitiateLayerUpload", in.RegistryId, in.RepositoryName, func(tx *registry.Tx) (struct{}, error) {
		return struct{}{}, tx.MountLayer(ctx, in)
	})
	return err
}

// UploadSize carries out the call of [scenarios.GetLayerUpload] whose input the call
// has: how many bytes the upload has received.
func (s *Stage) UploadSize(ctx context.Context, call *dispatch.Call) (int64, error) {
	in := call.Input.(*scenarios.GetLayerUploadInput)
	return beside(ctx, s, call, "ecr:UploadLayerPart", in.RegistryId, in.RepositoryName, func(tx *registry.Tx) (int64, error) {
		return tx.GetLayerUpload(ctx, in)
	})
}

// Cancel carries out the call of [scenarios.CancelLayerUpload] whose input the call
// has.
func (s *Stage) Cancel(ctx context.Context, call *dispatch.Call) error {
	in := call.Input.(*scenarios.CancelLayerUploadInput)
	_, err := beside(ctx, s, call, "ecr:UploadLayerPart", in.RegistryId, in.RepositoryName, func(tx *registry.Tx) (struct{}, error) {
		return struct{}{}, tx.CancelLayerUpload(ctx, in)
	})
	return err
}

// DeleteLayer carries out the call of [scenarios.DeleteLayer] whose input the call
// has.
func (s *Stage) DeleteLayer(ctx context.Context, call *dispatch.Call) error {
	in := call.Input.(*scenarios.DeleteLayerInput)
	_, err := beside(ctx, s, call, "ecr:BatchDeleteImage", in.RegistryId, in.RepositoryName, func(tx *registry.Tx) (struct{}, error) {
		return struct{}{}, tx.DeleteLayer(ctx, in)
	})
	return err
}

// beside carries out a call of what no operation of the API offers, for those who
// may do one that it stands beside.
func beside[Out any](ctx context.Context, s *Stage, call *dispatch.Call, permission string, registryID, repository *string, operation func(*registry.Tx) (Out, error)) (out Out, err error) {
	access := registry.Access{Action: permission, Registry: call.Tx.Place, Repository: *repository}
	if registryID != nil {
		access.Registry.Account = *registryID
	}
	access.Resource = naming.RepositoryARN(access.Registry, access.Repository)
	call.Record.Account, call.Record.Repository = access.Registry.Account, access.Repository
	call.Run = func(_ context.Context, call *dispatch.Call) (any, error) {
		if err := call.Tx.Authorize(access); err != nil {
			return nil, err
		}
		return registry.Run(&call.Tx, func() (Out, error) { return operation(&call.Tx) })
	}
	answered, err := s.pseudo(ctx, call)
	if err == nil {
		out, _ = answered.(Out) // of another type only if a rule answers
	}
	return out, err
}
