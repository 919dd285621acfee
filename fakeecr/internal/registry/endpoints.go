package registry

import (
	"net"
	"net/netip"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

// endpoint is where the caller finds a registry's endpoint for images: at ECR's
// name or, if the world says so, where the call came to. A token tells the caller's
// own registry from the neighbours that others call there; for that of another
// account, which the same token opens, the host has to.
func (tx *Tx) endpoint(place Place) (scheme, host string) {
	if !tx.World.config.ReachableURIs || tx.Origin == "" {
		return "https", naming.RegistryHost(place)
	}
	scheme, host, _ = strings.Cut(tx.Origin, "://")
	if place != tx.Place {
		host = naming.RegistryName(place) + "." + domainAt(strings.TrimPrefix(host, naming.RegistryName(tx.Place)+"."))
	}
	return scheme, host
}

// uri is a repository's.
func (tx *Tx) uri(repo *repository) string {
	if !tx.World.config.ReachableURIs {
		return repo.uri
	}
	_, host := tx.endpoint(repo.Place)
	return host + "/" + repo.name
}

// domainAt is a domain that leads to where a host leads: the names under localhost
// are those of the machine.
func domainAt(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err != nil {
		return host
	}
	if port == "" {
		return "localhost"
	}
	return net.JoinHostPort("localhost", port)
}
