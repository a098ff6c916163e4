// The line between a worker and one of its task processes: a socket pair that carries one JSON object a line.
// worker → task: {"t":"start",…} {"t":"pause"} {"t":"resume"} {"t":"stop"}
// task → worker: {"t":"state",…} {"t":"failed",…} {"t":"metrics",…} {"t":"offsets",…}
// The end of the line is the end of the process at its other end. Not thread-safe; send() from one thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace medic::engine::connect {

class Link {
public:
    static constexpr std::size_t line_bytes_max = 256 << 10;

    explicit Link(int fd) : fd_(fd) {}
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link();

    [[nodiscard]] int fd() const { return fd_; }

    // Never waits. True: the line is on its way; what there was no room for leaves with the next send() or flush(), so
    // that no line is cut. False: nothing of it was taken: the other side is gone, or has not read for so long that its
    // buffer is full.
    bool send(std::string_view json);

    // Never waits. True: nothing of what send() took is left here.
    bool flush();

    // Appends the whole lines that have come; never waits. False: closed by the other side, or a line is too long.
    [[nodiscard]] bool receive(std::vector<std::string>& lines);

private:
    int fd_;
    std::string pending_;  // Received: the beginning of a line.
    std::string unsent_;   // The end of a line that has begun to leave.
};

}  // namespace medic::engine::connect
