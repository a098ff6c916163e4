// The controller as a process: ControllerState behind a socket, its decisions on disk before anybody hears of them.
// Brokers and the requests that they pass on are its only clients. While it is down nothing can be created, altered,
// elected or moved; data flows on.
#pragma once

#include <filesystem>

#include "engine/broker/controller_state.h"
#include "engine/broker/metadata_log.h"
#include "engine/broker/server.h"

namespace medic::engine::broker {

struct ControllerNodeOptions {
    Address listen;
    std::filesystem::path data_dir;
    Config::Static config;
};

class ControllerNode {
public:
    ControllerNode(Loop& loop, ControllerNodeOptions options);

    [[nodiscard]] Status start();
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }
    [[nodiscard]] const ClusterImage& image() const { return state_.image(); }
    [[nodiscard]] std::int64_t metadata_offset() const { return log_.end_offset(); }
    [[nodiscard]] std::size_t connection_count() const { return server_.connection_count(); }

private:
    struct Waiting {
        ReplyTo to;
        std::int32_t correlation = 0;
        std::int64_t offset = 0;
        Instant deadline;
    };

    void on_frame(ReplyTo to, std::span<char> frame);
    void on_private(ReplyTo to, std::span<char> frame);
    void on_admin(ReplyTo to, std::span<char> frame);
    void on_fetch_metadata(ReplyTo to, std::int32_t correlation, const FetchMetadataRequest& request);
    [[nodiscard]] FetchMetadataReply metadata_since(std::int64_t offset) const;
    void make_durable();  // Before any answer: what was decided is on disk.
    void wake_waiting();
    void tick();

    Loop& loop_;
    ControllerNodeOptions options_;
    Config config_;
    ControllerState state_;
    MetadataLog log_;
    Server server_;
    std::vector<Waiting> waiting_;
};

}  // namespace medic::engine::broker
