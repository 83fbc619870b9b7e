#!/bin/sh
# Makes the namespace and its search attributes; doing it again changes nothing.
set -eu
until temporal operator cluster health >/dev/null 2>&1; do sleep 1; done
temporal operator namespace describe -n "$NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create -n "$NAMESPACE" --retention 720h
for name in BatchId BatchState Tenant; do
  temporal operator search-attribute list -n "$NAMESPACE" | grep -q "$name" ||
    temporal operator search-attribute create -n "$NAMESPACE" --name "$name" --type Keyword
done
