// A broker as a process: puts the rooms of this folder together on one event loop, and takes them apart again.
#pragma once

#include <filesystem>

#include "engine/broker/controller_link.h"
#include "engine/broker/fetch_requests.h"
#include "engine/broker/fetcher.h"
#include "engine/broker/group_requests.h"
#include "engine/broker/produce_requests.h"
#include "engine/broker/requests.h"

namespace medic::engine::broker {

struct BrokerNodeOptions {
    BrokerId id = no_broker;
    Address controller;
    Address listen;
    std::filesystem::path log_dir;
    std::int64_t capacity_bytes = 0;
    Config::Static config;
};

class BrokerNode {
public:
    BrokerNode(Loop& loop, BrokerNodeOptions options);
    BrokerNode(const BrokerNode&) = delete;
    BrokerNode& operator=(const BrokerNode&) = delete;
    ~BrokerNode();

    [[nodiscard]] Status start();
    // Leaders move away first (at most until `deadline`), then everything is flushed; `done` is called on the loop.
    void shut_down(Duration deadline, std::function<void()> done);

    [[nodiscard]] std::uint16_t port() const { return server_.port(); }
    // On the loop only, like everything here.
    [[nodiscard]] std::string metrics_page();
    [[nodiscard]] Status grow_log_dir(std::int64_t capacity_bytes);
    void set_log_dir_speed(std::int64_t bytes_per_second) { replicas_.set_write_speed(bytes_per_second); }
    void block_coordinator(std::int32_t partition);  // See GroupRequests::block().
    [[nodiscard]] const Replicas& replicas() const { return replicas_; }

private:
    void on_metadata(bool reset, std::vector<MetadataRecord> records);
    void start_timers();
    void round_end();
    void finish();
    void measure_idle();

    Loop& loop_;
    BrokerNodeOptions options_;
    Config config_;
    ClusterImage image_;
    Server server_;
    Replicas replicas_;
    ClientQuotas quotas_;
    std::unique_ptr<ControllerLink> link_;
    std::unique_ptr<ProduceRequests> produce_;
    std::unique_ptr<FetchRequests> fetch_;
    std::unique_ptr<GroupRequests> groups_;
    std::unique_ptr<Requests> requests_;
    Fetchers fetchers_;
    std::function<void()> done_;
    Duration idle_seen_{0};
    Duration busy_seen_{0};
    std::optional<double> idle_ratio_;  // One-minute moving average, as the exporter's; nothing until measured.
};

}  // namespace medic::engine::broker
