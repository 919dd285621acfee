package stage

import (
	"context"
	"net/url"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

// Download carries out the call of [scenarios.DownloadLayer] that a request of a
// download URL is.
func (s *Stage) Download(ctx context.Context, call *dispatch.Call, from *url.URL) (*registry.Download, error) {
	prepareDownload(call, from)
	return downloaded(s.pseudo(ctx, call))
}

func prepareDownload(call *dispatch.Call, from *url.URL) {
	in := call.Input.(*scenarios.DownloadLayerInput)
	call.Record.Repository = *in.RepositoryName
	call.Tx.HandsOver = true
	call.Run = func(ctx context.Context, call *dispatch.Call) (any, error) {
		if call.Unauthenticated != nil {
			return nil, call.Unauthenticated
		}
		return registry.Run(&call.Tx, func() (*registry.Download, error) {
			return call.Tx.DownloadLayer(ctx, in, from)
		})
	}
}

func downloaded(out any, err error) (*registry.Download, error) {
	if err != nil {
		return nil, err
	}
	return out.(*registry.Download), nil
}
