package flowfuse

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/process"
)

// proxy sends some paths to rekey and all others to FlowFuse. It keeps which of them answered,
// and the status, since FlowFuse's pages do not show a refusal.
type proxy struct {
	*httptest.Server

	mu       sync.Mutex
	routes   []*regexp.Regexp // paths of rekey
	answered []string         // method, path without its token, status, and which server
}

var token = regexp.MustCompile(`[A-Za-z0-9_-]{40,}`)

func newProxy(t *testing.T, routes *regexp.Regexp, rekey, flowfuse string) *proxy {
	t.Helper()
	p := &proxy{routes: []*regexp.Regexp{routes}}
	to := map[string]*httputil.ReverseProxy{"rekey": p.forward(t, "rekey", rekey), "flowfuse": p.forward(t, "flowfuse", flowfuse)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to[p.owner(r.URL.Path)].ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// add sends more paths to rekey.
func (p *proxy) add(routes *regexp.Regexp) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes = append(p.routes, routes)
}

func (p *proxy) owner(path string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.routes {
		if r.MatchString(path) {
			return "rekey"
		}
	}
	return "flowfuse"
}

func (p *proxy) forward(t *testing.T, name, to string) *httputil.ReverseProxy {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ModifyResponse: func(r *http.Response) error {
			path := token.ReplaceAllString(r.Request.URL.Path, "{token}")
			p.mu.Lock()
			defer p.mu.Unlock()
			p.answered = append(p.answered, fmt.Sprintf("%s %s: %d by %s", r.Request.Method, path, r.StatusCode, name))
			return nil
		},
	}
}

// sees waits until the proxy has passed on an answer.
func (p *proxy) sees(t *testing.T, answer string) {
	t.Helper()
	process.Succeeds(t, 2*time.Minute, answer, func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !slices.Contains(p.answered, answer) {
			return fmt.Errorf("the answers: %s", strings.Join(p.answered, "\n"))
		}
		return nil
	})
}

// routes are the paths that a location of the page with this text sends to rekey.
func (p *place) routes(t *testing.T, has string) *regexp.Regexp {
	t.Helper()
	m := regexp.MustCompile(`(?m)^location ~ (\S+) \{$`).FindStringSubmatch(p.Block(t, "nginx", has))
	if m == nil {
		t.Fatal("the location has no pattern")
	}
	return regexp.MustCompile(m[1])
}
