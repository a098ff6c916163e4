// Makes the looks happen: when each target is due it asks through the reactor and hands the answers to the ingest
// thread. It only reads. Collectors say what to ask and what it means; Knowledge keeps it.
#pragma once

#include <memory>

#include "agent/config/config.h"
#include "agent/daemon/knowledge.h"
#include "agent/daemon/look_schedule.h"
#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/kafka_client.h"
#include "agent/world/real/reactor.h"
#include "agent/world/real/worker.h"

namespace medic {

class Watcher {
public:
    // All of them outlive the watcher; `knowledge` belongs to the `ingest` thread.
    struct Parts {
        const Config& config;
        Reactor& reactor;
        HttpFetcher& fetcher;
        Worker& ingest;
        Knowledge& knowledge;
    };
    explicit Watcher(Parts parts);
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    // Before the ingest thread gets work: makes the targets known. Afterwards, on the reactor's thread: arms the
    // timers.
    void prepare();
    void start();
    // From another thread, after the reactor has stopped: ends looks that wait for Kafka.
    void stop();

    // On the reactor's thread: looks sooner, for a while, at what tells these facts. Only pages: the rest is read
    // often.
    void hurry(const std::vector<FactKey>& facts);

    // The client that reads a cluster's Kafka; operations may share it (it is thread-safe). nullptr: none.
    [[nodiscard]] std::shared_ptr<KafkaClient> kafka(const std::string& cluster) const;

    // On the reactor's thread: by kind of target.
    [[nodiscard]] std::map<std::string, LookCounts> look_counts() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
