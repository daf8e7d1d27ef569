//go:build unix

package nats_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cluster is three processes, and what their clients have heard.
type cluster struct {
	*testing.T
	end   time.Time // when the test gives up
	nodes map[string]*process

	mu      sync.Mutex
	changed chan struct{} // closed with each report, and renewed
	clients map[string]*client
	kept    map[string]int // of a publisher: the last that it knows to be kept
	hushed  map[string]bool
	refused int // how often a publisher was told that its message is not kept
	who     map[string][]string
}

// process is one node, or one life of it.
type process struct {
	config nodeConfig
	cmd    *exec.Cmd
	in     io.WriteCloser
	said   map[string]bool // "ready", "closed"
	errors []string
}

// client is what somebody has heard, who is at one node at a time.
type client struct {
	node   *process
	listen bool           // the node has said that it listens
	at     string         // the position of the last that it heard
	last   map[string]int // by publisher
	wrong  []string
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{T: t, end: time.Now().Add(58 * time.Second), nodes: map[string]*process{}, changed: make(chan struct{}),
		clients: map[string]*client{}, kept: map[string]int{}, hushed: map[string]bool{}, who: map[string][]string{}}
	var addresses []string
	for range 3 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		addresses = append(addresses, ln.Addr().String())
	}
	for i, name := range []string{"a", "b", "c"} {
		c.nodes[name] = &process{config: nodeConfig{name, addresses[i], addresses, t.TempDir()}}
	}
	return c
}

// start begins another life of a node.
func (c *cluster) start(name string) {
	c.Helper()
	config := c.nodes[name].config
	text, err := json.Marshal(config)
	if err != nil {
		c.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		c.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	p := &process{config: config, cmd: cmd, in: in, said: map[string]bool{}}
	c.mu.Lock()
	c.nodes[name] = p
	c.mu.Unlock()
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var r report
			if err := json.Unmarshal(lines.Bytes(), &r); err == nil {
				c.note(p, r)
			}
		}
	}()
	c.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGCONT)
		cmd.Process.Kill()
		<-read
		cmd.Wait()
	})
}

// note writes down what a node reports.
func (c *cluster) note(p *process, r report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() {
		close(c.changed)
		c.changed = make(chan struct{})
	}()
	switch r.What {
	case "kept":
		c.kept[r.From] = r.N
	case "not kept":
		c.refused++
		c.Logf("node %s was told: message %d is not kept: %s", r.From, r.N, r.Error)
	case "hushed":
		c.hushed[r.From] = true
	case "who":
		c.who[p.config.Name] = r.Who
	case "ready", "closed":
		p.said[r.What] = true
		if r.Error != "" {
			p.errors = append(p.errors, r.Error)
		}
	default:
		if cl := c.clients[r.Client]; cl.node == p { // else it has left that node
			cl.note(r)
		}
	}
}

func (cl *client) note(r report) {
	switch r.What {
	case "listens":
		cl.listen = true
		if cl.at == "" {
			cl.at = r.At
		}
	case "heard":
		if r.N != cl.last[r.From]+1 {
			cl.wrong = append(cl.wrong, fmt.Sprintf("%d of %s after %d", r.N, r.From, cl.last[r.From]))
		}
		cl.last[r.From] = r.N
		if r.At != "" {
			cl.at = r.At
		}
	default:
		cl.wrong = append(cl.wrong, fmt.Sprintf("%s %d %s", r.What, r.N, r.Error))
	}
}

func (c *cluster) tell(name string, o order) {
	c.Helper()
	line, err := json.Marshal(o)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := c.nodes[name].in.Write(append(line, '\n')); err != nil {
		c.Fatalf("node %s: %v", name, err)
	}
}

// listen has a client come to a node, with the position of the last that it has heard.
func (c *cluster) listen(who, name string) {
	c.Helper()
	c.mu.Lock()
	cl := c.clients[who]
	if cl == nil {
		cl = &client{last: map[string]int{}}
		c.clients[who] = cl
	}
	cl.node, cl.listen = c.nodes[name], false
	at := cl.at
	c.mu.Unlock()
	c.tell(name, order{Do: "listen", Client: who, Since: at})
	c.until(who+" listens at "+name, func() bool { return cl.listen || len(cl.wrong) > 0 })
}

// until waits until something is so.
func (c *cluster) until(what string, so func() bool) {
	c.Helper()
	for {
		c.mu.Lock()
		ok, changed := so(), c.changed
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-time.After(time.Until(c.end)):
			c.mu.Lock()
			defer c.mu.Unlock()
			for who, cl := range c.clients {
				c.Logf("%s at %s: %v %v", who, cl.node.config.Name, cl.last, cl.wrong)
			}
			c.Fatalf("it did not come about in time: %s; kept %v", what, c.kept)
		}
	}
}

// progress waits until these nodes have had that many more messages kept, and these clients have heard them.
func (c *cluster) progress(more int, publishers, clients []string) {
	c.Helper()
	c.mu.Lock()
	goal := map[string]int{}
	for _, p := range publishers {
		goal[p] = c.kept[p] + more
	}
	c.mu.Unlock()
	c.until(fmt.Sprintf("%d more messages of %q for %q", more, publishers, clients), func() bool {
		for _, p := range publishers {
			for _, who := range clients {
				if c.clients[who].last[p] < goal[p] {
					return false
				}
			}
		}
		return true
	})
}

// present waits until a node says that a client is present, or is not.
func (c *cluster) present(node, who string, want bool) {
	c.Helper()
	for {
		c.mu.Lock()
		delete(c.who, node)
		c.mu.Unlock()
		c.tell(node, order{Do: "who"})
		c.until("who is present", func() bool { _, told := c.who[node]; return told })
		c.mu.Lock()
		is := slices.Contains(c.who[node], who)
		c.mu.Unlock()
		if is == want {
			return
		}
		if time.Now().After(c.end) {
			c.Fatalf("node %s says that %s is present: %v", node, who, is)
		}
		time.Sleep(50 * time.Millisecond) // between two questions
	}
}

func (c *cluster) signal(name string, s os.Signal) {
	c.Helper()
	if err := c.nodes[name].cmd.Process.Signal(s); err != nil {
		c.Fatal(err)
	}
}

func (c *cluster) ready(names ...string) {
	c.Helper()
	c.until(fmt.Sprintf("%q are ready", names), func() bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !c.nodes[name].said["ready"] })
	})
}

// TestThreeProcessesLoseDoubleAndReorderNothing kills one node while all of them publish, starts it again, and stops another for longer than
// the timeout of presence. Clients of a node that is gone come back elsewhere. In the end each must have heard all that was kept, of
// each publisher, in order, once.
func TestThreeProcessesLoseDoubleAndReorderNothing(t *testing.T) {
	c := newCluster(t)
	began := time.Now()
	step := func(what string) { t.Logf("%5.1fs %s", time.Since(began).Seconds(), what) }
	for _, name := range []string{"a", "b", "c"} {
		c.start(name)
	}
	c.ready("a", "b", "c")
	step("the cluster is ready")
	for who, node := range map[string]string{"a1": "a", "b1": "b", "b2": "b", "c1": "c", "c2": "c", "b-only": "b", "c-only": "c"} {
		c.listen(who, node)
	}
	for _, name := range []string{"a", "b", "c"} {
		c.tell(name, order{Do: "speak"})
	}
	all := []string{"a1", "b1", "b2", "c1", "c2"}
	c.progress(100, []string{"a", "b", "c"}, all)
	c.present("a", "b-only", true)
	c.present("a", "c-only", true)

	step("kill b")
	c.signal("b", syscall.SIGKILL)
	c.listen("b1", "a")
	c.listen("b2", "c")
	c.progress(100, []string{"a", "c"}, all)
	step("a and c go on")
	c.present("a", "b-only", false)
	step("the member of b has left")

	c.start("b")
	c.ready("b")
	c.listen("b1", "b")
	c.progress(50, []string{"a", "c"}, all)
	step("b is back")

	c.signal("c", syscall.SIGSTOP)
	c.listen("c2", "b")
	c.progress(50, []string{"a"}, []string{"a1", "b1", "c2"})
	c.present("a", "c-only", false)
	step("c was stopped, and its member has left")
	c.signal("c", syscall.SIGCONT)
	c.present("a", "c-only", true)
	c.progress(50, []string{"a", "c"}, all)
	step("c is back")

	for _, name := range []string{"a", "c"} {
		c.tell(name, order{Do: "hush"})
	}
	c.until("a and c are quiet", func() bool { return c.hushed["a"] && c.hushed["c"] })
	c.until("all have heard all", func() bool {
		for _, who := range append(all, "c-only") {
			for _, p := range []string{"a", "b", "c"} {
				if c.clients[who].last[p] < c.kept[p] {
					return false
				}
			}
		}
		return true
	})
	step("all have heard all")
	c.tell("a", order{Do: "close"})
	c.until("a has closed", func() bool { return c.nodes["a"].said["closed"] })
	c.mu.Lock()
	defer c.mu.Unlock()
	for who, cl := range c.clients {
		if len(cl.wrong) > 0 {
			t.Errorf("%s heard wrong: %q", who, cl.wrong)
		}
		if who != "b-only" && cl.last["b"] != c.clients["a1"].last["b"] {
			t.Errorf("%s heard %d of b, and a1 heard %d", who, cl.last["b"], c.clients["a1"].last["b"])
		}
	}
	if extra := c.clients["a1"].last["b"] - c.kept["b"]; extra > 1 {
		t.Errorf("%d messages of b were heard, of which b does not know", extra)
	}
	for name, p := range c.nodes {
		if len(p.errors) > 0 {
			t.Errorf("node %s: %q", name, p.errors)
		}
	}
	t.Logf("%5.1fs kept %v; publishers were told %d times that a message is not kept", time.Since(began).Seconds(), c.kept, c.refused)
}
