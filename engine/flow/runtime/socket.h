// The few socket calls that the engine's own protocols need: loopback or LAN TCP, blocking, whole reads and writes.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "agent/base/result.h"

namespace medic::engine::flow {

// Listens on 127.0.0.1. `port` 0: any free one; `bound` says which. Errors: unavailable (port taken).
[[nodiscard]] Result<int> listen_on(int port, int& bound);
[[nodiscard]] Result<int> connect_to(const std::string& host, int port);  // `host`: an IPv4 address or "localhost".

// After accept() failed: waits a moment, unless the next call may well succeed. Without a free descriptor the kernel
// refuses at once, time and again, and a processor would do nothing else.
void pause_accepting(int error);

[[nodiscard]] bool read_all(int socket, void* to, std::size_t size);
// Gives up when `cancelled` (if given) becomes true while the other side does not read.
[[nodiscard]] bool write_all(int socket, const void* from, std::size_t size,
                             const std::atomic<bool>* cancelled = nullptr);

}  // namespace medic::engine::flow
