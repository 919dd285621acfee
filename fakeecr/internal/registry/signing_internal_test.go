package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddContentHoldsBytesOnce(t *testing.T) {
	tx := newTx(NewWorld(1, Config{}))
	_, err := Run(tx, func() (struct{}, error) {
		one, other := tx.newRepository(tx.Place, "one"), tx.newRepository(tx.Place, "other")
		var digest string
		for _, repo := range []*repository{one, one, other} {
			digest = tx.addContent(repo, emptyConfig, []byte("{}")).Digest
		}
		require.Equal(t, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", digest)
		held, _ := tx.read().blobs.Get(digest)
		require.Equal(t, 2, held.layers, "one for each repository")
		a, _ := one.layers.Get(digest)
		b, _ := other.layers.Get(digest)
		require.Same(t, &a.pieces[0][0], &b.pieces[0][0])
		return struct{}{}, nil
	})
	require.NoError(t, err)
}
