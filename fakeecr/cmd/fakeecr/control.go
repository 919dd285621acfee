package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance"
)

// prefix begins the paths of the program's own requests.
const prefix = "/_fakeecr/"

// control serves a registry and, below its prefix, what a test in another
// language needs to steer it.
type control struct {
	config   *config
	registry atomic.Pointer[fakeecr.Registry]
	requests http.ServeMux
	played   playedScenarios
	guard    guard
	// worlds counts the worlds that there were, from the time when the program began:
	// a page that outlives a program sees that the next one's worlds are others.
	worlds    atomic.Int64
	snapshots snapshots
	// ended ends when the program is told to stop.
	ended context.Context
}

func newControl(c *config) *control {
	control := &control{config: c, guard: newGuard(c.hosts, c.token), ended: context.Background()}
	control.worlds.Store(time.Now().UnixMilli())
	handle := func(route string, serve func(http.ResponseWriter, *http.Request)) {
		method, path, _ := strings.Cut(route, " ")
		control.requests.HandleFunc(method+" "+prefix+path, serve)
	}
	control.servePage(handle)
	for _, r := range requests() {
		handle(r.route, func(w http.ResponseWriter, req *http.Request) { r.serve(control, w, req) })
	}
	return control
}

func (c *control) serveReset(w http.ResponseWriter, req *http.Request) {
	answer(w, c.reset(req.Context()))
}

func (c *control) serveAdvance(w http.ResponseWriter, req *http.Request) {
	answer(w, c.advance(req.URL.Query().Get("duration")))
}

func (c *control) serveFindings(w http.ResponseWriter, req *http.Request) {
	answer(w, c.find(req.URL.Query().Get("image"), http.MaxBytesReader(w, req.Body, maxFindings)))
}

// reset begins anew: an empty world with the initial repositories and scenarios.
// What was played stops and is forgotten.
func (c *control) reset(ctx context.Context) error {
	return attempt(func() error {
		registry := fakeecr.New(nil, c.config.options...)
		for _, name := range c.config.repositories {
			if _, err := registry.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
				return err
			}
		}
		c.played.begin(registry, func() { c.worlds.Add(1); c.registry.Store(registry) }, c.config.scenarios)
		return nil
	})
}

// advance moves the clock by a duration such as 12h.
func (c *control) advance(duration string) error {
	d, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	return attempt(func() error {
		c.registry.Load().Advance(d)
		return nil
	})
}

// maxFindings is how many bytes findings may take.
const maxFindings = 1 << 20

// find says what scans find in an image, in the form of the imageScanFindings that
// the AWS CLI prints, or how they end without findings, in that of its imageScanStatus.
func (c *control) find(image string, text io.Reader) error {
	document, err := io.ReadAll(text)
	if err != nil {
		return err
	}
	var printed any
	decoder := json.NewDecoder(bytes.NewReader(document))
	if err := decoder.Decode(&printed); err != nil {
		return fmt.Errorf("no imageScanFindings: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("something follows the imageScanFindings: they are one document")
	}
	canonical, err := json.Marshal(writtenOut("", printed))
	if err != nil {
		return err
	}
	var found struct {
		types.ImageScanFindings
		types.ImageScanStatus
	}
	reader := json.NewDecoder(bytes.NewReader(canonical))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&found); err != nil {
		return fmt.Errorf("no imageScanFindings: %w", err)
	}
	switch finds := found.Findings != nil || found.EnhancedFindings != nil; {
	case finds && found.Status != "":
		return fmt.Errorf("findings beside the status %s: a scan has one or the other", found.Status)
	case !finds && found.Status == "":
		return errors.New("imageScanFindings without findings and without enhancedFindings")
	}
	return attempt(func() error {
		// In a world of its own first, so that a mistake in one changes neither.
		for _, registry := range []*fakeecr.Registry{fakeecr.New(nil), c.registry.Load()} {
			if found.Findings != nil {
				registry.SetScanFindings(image, found.Findings...)
			}
			if found.EnhancedFindings != nil {
				registry.SetEnhancedScanFindings(image, found.EnhancedFindings...)
			}
			if found.Status != "" {
				registry.SetScanStatus(image, found.Status, aws.ToString(found.Description))
			}
		}
		return nil
	})
}

// writtenOut writes out the times below a member, whose names end with At: of the
// CLI's versions one prints numbers of seconds and the other texts.
func writtenOut(member string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = writtenOut(name, v[name])
		}
	case []any:
		for i := range v {
			v[i] = writtenOut(member, v[i])
		}
	case float64:
		if strings.HasSuffix(member, "At") {
			return time.UnixMilli(int64(math.Round(v * 1000))).UTC()
		}
	}
	return value
}

// attempt makes an error of a mistake in how the fake is used, which panics where
// there is no test to fail.
func attempt(use func() error) (err error) {
	defer func() {
		switch mistake := recover().(type) {
		case nil:
		case string:
			err = errors.New(strings.TrimPrefix(mistake, "fakeecr: "))
		default:
			panic(mistake)
		}
	}()
	return use()
}

// ServeHTTP implements [http.Handler].
func (c *control) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch path := req.URL.Path; {
	case path+"/" == prefix:
		to := url.URL{Path: prefix, RawQuery: req.URL.RawQuery}
		http.Redirect(w, req, to.String(), http.StatusTemporaryRedirect)
		return
	case strings.HasPrefix(path, prefix):
		c.guard.serve(w, req, &c.requests)
		return
	}
	c.serveWorld(w, req)
}

// serveWorld serves the world alone, without the program's own requests.
func (c *control) serveWorld(w http.ResponseWriter, req *http.Request) {
	c.snapshots.serve(w, req, c.registry.Load)
}

// proxied serves as a proxy as well, which leads to the world alone and by one authority
// to all worlds that there will be.
func (c *control) proxied(config func() *tls.Config, log *log.Logger) http.Handler {
	return &entrance.Proxy{
		Direct: c, Proxied: http.HandlerFunc(c.serveWorld), TLS: sync.OnceValue(config),
		Opened: func() {}, Refused: func(reason string) { log.Print(reason) },
	}
}

func answer(w http.ResponseWriter, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.As(err, &tooLarge):
		http.Error(w, fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit), http.StatusRequestEntityTooLarge)
	default:
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}
