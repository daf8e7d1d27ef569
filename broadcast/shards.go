package broadcast

import (
	"hash/maphash"
	"sync"
)

const shardCount = 64

// shards is a map of topics under many locks, so that topics do not wait for one another.
type shards[V any] struct {
	seed maphash.Seed
	list [shardCount]shard[V]
}

type shard[V any] struct {
	mu     sync.RWMutex
	values map[Topic]V
	_      [24]byte // a cache line each
}

func (s *shards[V]) init() {
	s.seed = maphash.MakeSeed()
	for i := range s.list {
		s.list[i].values = make(map[Topic]V)
	}
}

func (s *shards[V]) of(t Topic) *shard[V] {
	return &s.list[maphash.String(s.seed, t.text)%shardCount]
}

func (s *shards[V]) get(t Topic) (V, bool) {
	sh := s.of(t)
	sh.mu.RLock()
	v, ok := sh.values[t]
	sh.mu.RUnlock()
	return v, ok
}

// getOrPut returns the value of t, and whether it had one; if not, the value is made by fresh, which can refuse.
func (s *shards[V]) getOrPut(t Topic, fresh func() (V, error)) (v V, found bool, err error) {
	if v, found = s.get(t); found {
		return v, true, nil
	}
	sh := s.of(t)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if v, found = sh.values[t]; found {
		return v, true, nil
	}
	if v, err = fresh(); err == nil {
		sh.values[t] = v
	}
	return v, false, err
}

func (s *shards[V]) delete(t Topic) {
	sh := s.of(t)
	sh.mu.Lock()
	delete(sh.values, t)
	sh.mu.Unlock()
}

// all returns the values that are there. The shards are looked at one after the other.
func (s *shards[V]) all() []V {
	var values []V
	for i := range s.list {
		sh := &s.list[i]
		sh.mu.RLock()
		for _, v := range sh.values {
			values = append(values, v)
		}
		sh.mu.RUnlock()
	}
	return values
}
