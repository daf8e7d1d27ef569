package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// page answers with the list as HTML.
func (l *list) page(c *hyperlane.Context) error {
	return c.Template(page, l.all(nil))
}

// formTodo is what the form of the page sends.
type formTodo struct {
	Title string `form:"title"`
}

// Validate is called by Bind.
func (f formTodo) Validate() error { return checkTitle("form title", f.Title) }

// submit takes the form from a browser that runs no script.
func (l *list) submit(c *hyperlane.Context) error {
	in, err := hyperlane.Bind[formTodo](c)
	if err != nil {
		return err
	}
	if _, err := l.add(in.Title); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

// index lists the to-dos, with ?done=true or ?done=false only some of them.
func (l *list) index(c *hyperlane.Context) error {
	done, err := hyperlane.Query[*bool](c, "done") // nil if it is absent
	if err != nil {
		return err // 400, with the name of the parameter
	}
	return c.JSON(l.all(done))
}

// newTodo is the body of a POST.
type newTodo struct {
	Title string `json:"title"`
}

// Validate is called by Bind.
func (n newTodo) Validate() error { return checkTitle("/title", n.Title) }

// checkTitle says what is wrong with a title, and where it is: a pointer into the JSON, or a source and a name.
func checkTitle(where, title string) error {
	var wrong hyperlane.FieldErrors
	switch {
	case strings.TrimSpace(title) == "":
		wrong.Add(where, "must not be empty")
	case len(title) > 80:
		wrong.Add(where, "must not be longer than 80 bytes")
	}
	return wrong.Err()
}

func (l *list) create(c *hyperlane.Context) error {
	in, err := hyperlane.Bind[newTodo](c)
	if err != nil {
		return err // 400 if it is no JSON, 422 if it is no to-do
	}
	t, err := l.add(in.Title)
	if err != nil {
		return err
	}
	c.Response.SetStatus(http.StatusCreated).SetHeader("Location", fmt.Sprintf("/api/todos/%d", t.ID))
	return c.JSON(t)
}

func (l *list) show(c *hyperlane.Context) error {
	id, err := hyperlane.Param[int](c, "id")
	if err != nil {
		return err
	}
	t, err := l.get(id)
	if err != nil {
		return err // errNoTodo, which MapError has made a 404
	}
	return c.JSON(t)
}

// change is a PATCH. Each field has one source.
type change struct {
	ID   int  `path:"id"`
	Done bool `json:"done" bind:"required"`
}

func (l *list) update(c *hyperlane.Context) error {
	in, err := hyperlane.Bind[change](c)
	if err != nil {
		return err
	}
	t, err := l.setDone(in.ID, in.Done)
	if err != nil {
		return err
	}
	return c.JSON(t)
}

func (l *list) delete(c *hyperlane.Context) error {
	id, err := hyperlane.Param[int](c, "id")
	if err != nil {
		return err
	}
	if err := l.remove(id); err != nil {
		return err
	}
	return c.NoContent()
}

// countdown sends a line at a time, and ends early when the client goes.
func countdown(c *hyperlane.Context) error {
	from, err := hyperlane.QueryOr(c, "from", 5)
	if err != nil {
		return err
	}
	every, err := hyperlane.QueryOr(c, "every", time.Second)
	if err != nil {
		return err
	}
	if from > 1000 || every < time.Millisecond {
		return hyperlane.Errorf(http.StatusBadRequest, "want from of at most 1000, and every of at least 1ms")
	}
	c.Response.SetHeader("Content-Type", "text/plain; charset=utf-8")
	return c.Stream(func(w *hyperlane.Stream) error {
		ticks := time.NewTicker(every)
		defer ticks.Stop()
		for n := from; n > 0; n-- {
			fmt.Fprintf(w, "%d\n", n)
			if err := w.Flush(); err != nil {
				return err
			}
			select {
			case <-ticks.C:
			case <-c.Context().Done(): // the client has gone, or the server shuts down
				return context.Cause(c.Context())
			}
		}
		_, err := w.WriteString("lift-off\n")
		return err
	})
}
