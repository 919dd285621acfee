package entrance_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

const maxBody = 32 << 20

// A body is read only as far as ECR could take it, whether or not its signature
// counts; but for one byte that tells that it is longer.
func TestBodyThatIsTooLargeIsNotRead(t *testing.T) {
	for name, options := range map[string][]fakeecr.Option{"unsigned": nil, "signed": {fakeecr.WithSigV4()}} {
		for _, length := range []int64{maxBody + 1, 1 << 40, -1} {
			for _, operation := range []string{"UploadLayerPart", "PutImage"} {
				t.Run(fmt.Sprint(name, length, operation), func(t *testing.T) {
					read := 0
					body := faces.ReaderFunc(func(p []byte) (int, error) {
						read += len(p)
						return len(blank(p)), nil
					})
					request := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(body, 2*maxBody))
					request.ContentLength = length
					request.Header.Set("X-Amz-Target", faces.Target+operation)
					answer := httptest.NewRecorder()
					fakeecr.New(t, options...).Handler().ServeHTTP(answer, request)
					require.Equal(t, http.StatusRequestEntityTooLarge, answer.Code)
					require.Contains(t, answer.Body.String(), `"__type":"RequestEntityTooLargeException"`)
					require.LessOrEqual(t, read, maxBody+1)
				})
			}
		}
	}
}

func blank(p []byte) []byte {
	return append(p[:0], bytes.Repeat([]byte(" "), len(p))...)
}

// Some clients write all of a request before they read. They see the refusal of a
// body that nobody wants, and the connection can be used again.
func TestRefusalsReachClientsThatWriteFirst(t *testing.T) {
	large := bytes.Repeat([]byte(" "), maxBody+16<<20)
	for name, c := range map[string]struct {
		head    string
		status  int
		options []fakeecr.Option
	}{
		"unsigned":          {"POST / HTTP/1.1\r\nX-Amz-Target: " + faces.Target + "UploadLayerPart", 413, nil},
		"signed":            {"POST / HTTP/1.1\r\nX-Amz-Target: " + faces.Target + "UploadLayerPart", 413, []fakeecr.Option{fakeecr.WithSigV4()}},
		"unknown operation": {"POST / HTTP/1.1\r\nX-Amz-Target: " + faces.Target + "PutLayer", 400, nil},
		"not the API":       {"POST /ecr HTTP/1.1\r\nX-Amz-Target: " + faces.Target + "UploadLayerPart", 404, nil},
		"a download":        {"PUT /starport-layer-bucket/a/b/c/d HTTP/1.1", 405, nil},
	} {
		for framing, write := range map[string]func(io.Writer, []byte) error{"length": writePlain, "chunked": writeChunks} {
			t.Run(name+" "+framing, func(t *testing.T) {
				server := fakeecr.NewServer(t, c.options...)
				conn, err := net.Dial("tcp", server.Host)
				require.NoError(t, err)
				defer conn.Close()
				header := map[string]string{"length": fmt.Sprint("Content-Length: ", len(large)), "chunked": "Transfer-Encoding: chunked"}[framing]
				_, err = fmt.Fprintf(conn, "%s\r\nHost: %s\r\n%s\r\n\r\n", c.head, server.Host, header)
				require.NoError(t, err)
				require.NoError(t, write(conn, large))
				reader := bufio.NewReader(conn)
				response, err := http.ReadResponse(reader, nil)
				require.NoError(t, err)
				require.Equal(t, c.status, response.StatusCode)
				_, err = io.Copy(io.Discard, response.Body)
				require.NoError(t, err)

				_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", server.Host)
				require.NoError(t, err)
				response, err = http.ReadResponse(reader, nil)
				require.NoError(t, err)
				require.Equal(t, http.StatusBadRequest, response.StatusCode)
			})
		}
	}
}

func writePlain(w io.Writer, body []byte) error {
	_, err := w.Write(body)
	return err
}

func writeChunks(w io.Writer, body []byte) error {
	chunks := httputil.NewChunkedWriter(w)
	if err := writePlain(chunks, body); err != nil {
		return err
	}
	if err := chunks.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\r\n")
	return err
}

// Clients that read while they write have the answer at once, and one that asks
// before it writes need not write at all.
func TestRefusalsDoNotWaitForTheBody(t *testing.T) {
	server := fakeecr.NewServer(t)
	for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
		conn, err := net.Dial("tcp", server.Host)
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(3*time.Second))) // less than the server reads on for
		_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nX-Amz-Target: %sPutImage\r\n%sContent-Length: %d\r\n\r\n", server.Host, faces.Target, expect, 2*maxBody)
		require.NoError(t, err)
		reader := bufio.NewReader(conn)
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
		if expect != "" {
			_, err = io.Copy(io.Discard, response.Body)
			require.NoError(t, err)
			_, err = reader.ReadByte()
			require.ErrorIs(t, err, io.EOF, "the server does not wait for a body that will not come")
		}
		require.NoError(t, conn.Close())
	}
}
