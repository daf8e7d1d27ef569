package main

import (
	"errors"
	"slices"
	"sync"
)

var (
	errNoTodo = errors.New("no such to-do")
	errFull   = errors.New("the list is full")
)

// maxTodos bounds the list, because anybody may add to it.
const maxTodos = 1000

type todo struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	Done  bool   `json:"done"`
}

// list keeps to-dos in memory. Handlers run at the same time, so it has a lock.
type list struct {
	mu     sync.Mutex // guards what follows
	lastID int
	todos  []todo
}

func newList(titles ...string) *list {
	l := &list{todos: []todo{}} // not nil: an empty list is [] in JSON
	for _, title := range titles {
		l.add(title)
	}
	return l
}

// all returns the to-dos, or only those that are done or are not.
func (l *list) all(done *bool) []todo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.todos), func(t todo) bool { return done != nil && t.Done != *done })
}

func (l *list) add(title string) (todo, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.todos) >= maxTodos {
		return todo{}, errFull
	}
	l.lastID++
	t := todo{ID: l.lastID, Title: title}
	l.todos = append(l.todos, t)
	return t, nil
}

func (l *list) get(id int) (todo, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, err := l.find(id)
	if err != nil {
		return todo{}, err
	}
	return l.todos[i], nil
}

func (l *list) setDone(id int, done bool) (todo, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, err := l.find(id)
	if err != nil {
		return todo{}, err
	}
	l.todos[i].Done = done
	return l.todos[i], nil
}

func (l *list) remove(id int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, err := l.find(id)
	if err != nil {
		return err
	}
	l.todos = slices.Delete(l.todos, i, i+1)
	return nil
}

// find is called with the lock held.
func (l *list) find(id int) (int, error) {
	i := slices.IndexFunc(l.todos, func(t todo) bool { return t.ID == id })
	if i < 0 {
		return 0, errNoTodo
	}
	return i, nil
}
