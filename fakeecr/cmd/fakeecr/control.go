package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr"
)

// prefix begins the paths of the program's own requests.
const prefix = "/_fakeecr/"

// control serves a registry and, below its prefix, what a test in another
// language needs to steer it.
type control struct {
	config   *config
	registry atomic.Pointer[fakeecr.Registry]
}

// reset begins anew: an empty world with the initial repositories.
func (c *control) reset(ctx context.Context) (err error) {
	defer func() {
		// A mistake in the options panics where there is no test to fail.
		if mistake := recover(); mistake != nil {
			err = fmt.Errorf("%v", mistake)
		}
	}()
	registry := fakeecr.New(nil, c.config.options...)
	for _, name := range c.config.repositories {
		if _, err := registry.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
			return err
		}
	}
	c.registry.Store(registry)
	return nil
}

// ServeHTTP implements [http.Handler].
func (c *control) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch route := req.Method + " " + req.URL.Path; route {
	case "POST " + prefix + "reset":
		answer(w, c.reset(req.Context()))
	case "POST " + prefix + "advance":
		d, err := time.ParseDuration(req.URL.Query().Get("duration"))
		if err == nil && d < 0 {
			err = fmt.Errorf("the duration %v is negative: the clock never runs backwards", d)
		}
		if err == nil {
			c.registry.Load().Advance(d)
		}
		answer(w, err)
	case "GET " + prefix + "trace":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, c.registry.Load().Trace().String())
	default:
		c.registry.Load().Handler().ServeHTTP(w, req)
	}
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
