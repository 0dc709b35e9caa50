// The room is built in this directory.
