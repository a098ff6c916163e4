// A thread with a bounded mailbox: work posted to it runs there, in order. The agent's ingest, core and journal threads
// are these.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/time.h"

namespace medic {

class Worker {
public:
    // `name` is what tools show (at most 15 characters).
    Worker(const std::string& name, std::size_t mailbox_max);
    ~Worker();  // stop()
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // False: the mailbox is full (counted) or the worker has stopped; the work was not taken.
    bool post(std::function<void()> work);
    // As post, but waits while the mailbox is full. For what must not be lost; never from the worker's own thread.
    void post_waiting(std::function<void()> work);
    // Finishes what is in the mailbox, then ends the thread. Idempotent.
    void stop();

    [[nodiscard]] std::uint64_t refused() const;
    [[nodiscard]] std::size_t waiting() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Waits until SIGTERM or SIGINT; both must be blocked in every thread (block_stop_signals before any thread starts).
void block_stop_signals();
[[nodiscard]] int wait_for_stop_signal();
// For so long at most; nullopt: none has come.
[[nodiscard]] std::optional<int> wait_for_stop_signal(Duration at_most);

// Called once at the start of a long-running agent: few malloc arenas, freed memory goes back early.
void trim_allocator();
// Called once at the start: as many descriptors as the system lets this process have. The usual soft limit of 1,024 is
// fewer than the connections to a few hundred watched processes.
void raise_descriptor_limit();
// Gives freed memory back to the system; cheap enough for once a minute.
void release_free_memory();

}  // namespace medic
