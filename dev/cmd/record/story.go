package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// story is one reset, told to the product.
type story struct {
	name string
	who  func(*account.Account) // makes the account a special one; without an ID it is nobody's
	act  func(context.Context, *owner) error
	runs []run // what comes of it, the first one first
}

// run is one run of a story: the name of its file, and what makes it that run.
type run struct {
	name  string
	rules []rule
}

// one is a story of one run, which has the name of the story.
func one(name string, act func(context.Context, *owner) error, rules ...rule) story {
	return story{name: name, act: act, runs: []run{{name, rules}}}
}

// with is the story of a special account.
func (s story) with(change func(*account.Account)) story {
	s.who = change
	return s
}

// set are the stories of one product.
type set struct {
	life     time.Duration // of links, 0 for the default
	coolDown time.Duration // between mails, 0 for the default
	together int           // stories at once
	stories  []story
}

func sets() []set {
	const none = time.Nanosecond
	return []set{
		// Their runs end a minute after their links, see grace in package workflow.
		{life: time.Second, coolDown: none, together: 5, stories: unused()},
		{life: 5 * time.Second, together: 1, stories: overdue()},
		// One after the other: a worker takes whatever there is to do.
		{coolDown: none, together: 1, stories: killed()},
		{coolDown: none, together: 2, stories: used()},
	}
}

// tell lets a story happen and returns its runs, which are what they should be.
func (s story) tell(ctx context.Context, l *lab) (map[string]*recorded, error) {
	who := person(s.name)
	if s.who != nil {
		s.who(&who)
	}
	o, err := l.owner(who)
	if err != nil {
		return nil, err
	}
	if who.ID != "" {
		if err := l.Store.Put(ctx, who); err != nil {
			return nil, err
		}
	}
	if err := s.act(ctx, o); err != nil {
		return nil, err
	}
	histories, err := o.ended(ctx)
	if err == nil && len(histories) != len(s.runs) {
		err = fmt.Errorf("%d runs, want %d", len(histories), len(s.runs))
	}
	if err != nil {
		return nil, err
	}
	runs := map[string]*recorded{}
	for i, r := range s.runs {
		if runs[r.name], err = read(histories[i], l.codec); err != nil {
			return nil, err
		}
		if err := r.check(runs[r.name]); err != nil {
			return nil, err
		}
	}
	return runs, nil
}
