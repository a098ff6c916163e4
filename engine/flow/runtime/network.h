// Frames between task managers: one TCP connection per job execution and pair (sender, receiver). The receiver grants
// each channel a number of frames (credits) and returns one when its task has taken a frame, so a slow task holds back
// only the channels that lead to it, and a reader of the socket never waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/result.h"
#include "engine/flow/runtime/gate.h"

namespace medic::engine::flow {

// Numbers the channel from one subtask to another within a job: the same on both sides.
struct ChannelId {
    std::uint16_t edge = 0, from = 0, to = 0;
    [[nodiscard]] std::uint64_t packed() const { return std::uint64_t{edge} << 32 | std::uint64_t{from} << 16 | to; }
};

// Where the frames of one job execution go on the receiving side.
struct JobInputs {
    std::map<std::uint64_t, std::pair<std::shared_ptr<InputGate>, int>> channels;  // By ChannelId::packed().
    std::function<void(const std::string& sender)> on_lost;  // A connection ended without goodbye. Any thread.
};

class DataServer {
public:
    // Errors: unavailable.
    [[nodiscard]] static Result<std::unique_ptr<DataServer>> listen(int port);
    ~DataServer();

    [[nodiscard]] int port() const { return port_; }
    void add(const std::string& execution, std::shared_ptr<JobInputs> inputs);
    void remove(const std::string& execution);  // Closes its connections.

private:
    DataServer() = default;
    void accept_loop();
    void serve(int socket);

    int socket_ = -1;
    int port_ = 0;
    std::mutex mutex_;
    std::condition_variable all_served_;
    std::map<std::string, std::shared_ptr<JobInputs>> inputs_;
    std::multimap<std::string, int> sockets_;  // Of running serve() threads, by execution.
    int serving_ = 0;
    std::atomic<bool> stopping_ = false;
    std::thread acceptor_;
};

// The sending side of one connection.
class DataSender {
public:
    // Errors: unavailable. `peer` ("127.0.0.1:4711 [ tm-2 ]") is for messages.
    [[nodiscard]] static Result<std::shared_ptr<DataSender>> connect(const std::string& host, int port,
                                                                     const std::string& execution,
                                                                     const std::string& own_name,
                                                                     const std::string& peer);
    ~DataSender();  // Says goodbye.

    void open_channel(ChannelId id, int credits);  // Before the first send() on it.
    // Waits for a credit, until `cancelled` (false). Throws NamedException when the connection is lost.
    [[nodiscard]] bool send(ChannelId id, const std::string& frame, const std::atomic<bool>& cancelled,
                            WaitClock& wait);
    [[nodiscard]] int credits(ChannelId id) const;

private:
    DataSender() = default;
    void read_credits();

    int socket_ = -1;
    std::string peer_;
    mutable std::mutex mutex_;
    std::condition_variable granted_;
    std::map<std::uint64_t, int> credits_;
    std::mutex writing_;
    std::atomic<bool> lost_ = false;
    std::thread reader_;
};

}  // namespace medic::engine::flow
