package fakeecr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance"
)

// Env is the environment in which any AWS SDK or CLI finds the server, as
// KEY=value pairs for a child process: append them to os.Environ() for
// exec.Cmd.Env. Besides endpoint, region and keys they overrule what else on the
// machine would lead a client elsewhere: its session token, profile and shared
// config files, FIPS and dual-stack endpoints, a proxy. Calls of other services
// come to the server as well, which refuses them, unless an endpoint of their
// own is set (AWS_ENDPOINT_URL_S3). The profile is in a file that Close removes.
//
// The SDK for Go v1 reads no endpoint from the environment and has to be told:
//
//	ecr.New(session.Must(session.NewSession()), aws.NewConfig().WithEndpoint(server.URL))
func (s *Server) Env() []string {
	if s.world.t != nil {
		s.world.t.Helper()
	}
	var pairs []string
	for _, v := range s.environment() {
		pairs = append(pairs, v.name+"="+v.value)
	}
	return pairs
}

// Setenv sets the environment of [Server.Env] for the rest of the test, which
// therefore cannot be parallel. The SDK for Go v1 has to be told the endpoint all
// the same.
func (s *Server) Setenv(t interface{ Setenv(key, value string) }) {
	if s.world.t != nil {
		s.world.t.Helper()
	}
	for _, v := range s.environment() {
		t.Setenv(v.name, v.value)
	}
}

type variable struct{ name, value string }

// environment has no empty value where an SDK reads one as a mistake: boto3 finds
// no profile of an empty name, nor any that no file has.
func (s *Server) environment() []variable {
	profile, err := s.profiles.write(s.Region(), s.accessKey())
	s.world.must(err)
	direct := unproxied()
	return []variable{
		{"AWS_ENDPOINT_URL_ECR", s.URL},
		{"AWS_ENDPOINT_URL", s.URL},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"},
		{"AWS_USE_FIPS_ENDPOINT", "false"},
		{"AWS_USE_DUALSTACK_ENDPOINT", "false"},
		{"AWS_REGION", s.Region()},
		{"AWS_DEFAULT_REGION", s.Region()}, // the only one that boto3 and the CLI read
		{"AWS_ACCESS_KEY_ID", s.accessKey()},
		{"AWS_SECRET_ACCESS_KEY", entrance.SecretAccessKey},
		{"AWS_SESSION_TOKEN", ""},
		{"AWS_SECURITY_TOKEN", ""}, // its old name, which boto3 reads first
		{"AWS_CREDENTIAL_EXPIRATION", ""},
		// The SDKs for JavaScript and .NET prefer a profile, or a role, to keys.
		{"AWS_PROFILE", "default"},
		{"AWS_DEFAULT_PROFILE", "default"},
		{"AWS_CONFIG_FILE", profile},
		{"AWS_SHARED_CREDENTIALS_FILE", profile},
		{"AWS_WEB_IDENTITY_TOKEN_FILE", ""},
		{"AWS_ROLE_ARN", ""},
		{"AWS_EC2_METADATA_DISABLED", "true"},
		{"AWS_CA_BUNDLE", ""},
		{"NO_PROXY", direct},
		{"no_proxy", direct},
	}
}

// unproxied is which hosts need no proxy: the server's besides the machine's.
func unproxied() string {
	var hosts []string
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		switch value := os.Getenv(name); value {
		case "":
		case "*":
			return "*"
		default:
			hosts = append(hosts, value)
		}
	}
	return strings.Join(append(hosts, "127.0.0.1"), ",")
}

// profiles are the shared config files of a server and its neighbours.
type profiles struct {
	mu        sync.Mutex
	directory string
}

// write answers the path of a file with the profile "default", which serves for
// config and credentials alike.
func (p *profiles) write(region, accessKey string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.directory == "" {
		directory, err := os.MkdirTemp("", "fakeecr-")
		if err != nil {
			return "", err
		}
		p.directory = directory
	}
	path := filepath.Join(p.directory, accessKey+"-"+region)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(file, "[default]\nregion = %s\naws_access_key_id = %s\naws_secret_access_key = %s\n",
		region, accessKey, entrance.SecretAccessKey)
	return path, errors.Join(err, file.Close())
}

func (p *profiles) remove() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.directory != "" {
		os.RemoveAll(p.directory) // what stays is a temporary file
		p.directory = ""
	}
}
