// A fleet of streaming platforms on loopback ports, served by one thread: Kafka brokers that speak our codec, Flink and
// Connect REST with recorded answers of the real products, each under its own names and with figures that move. For
// tests and benches of an agent that watches many. It holds no data and obeys no writes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace medic::fleet {

struct FleetSize {
    int clusters = 40;  // Each has a Kafka cluster and a Connect cluster.
    int brokers = 3;    // Of each Kafka cluster.
    int topics = 12;
    int partitions = 6;  // Of each topic.
    int groups = 6;
    int connectors = 5;  // Of each Connect cluster.
    int flinks = 300;    // In all, dealt out to the clusters.
};

// How an endpoint behaves; a broker set, a Connect worker or a job manager as a whole.
enum class Manner : std::uint8_t {
    answers,
    dead,   // Refuses connections.
    hangs,  // Takes connections and requests, and never answers.
    half,   // Stops in the middle of every answer.
    slow,   // Answers after a second.
};

enum class Kind : std::uint8_t { flink, connect, kafka };

class FakeFleet {
public:
    // Behaviour of endpoint `index` of a kind; all answer without it.
    using Manners = std::function<Manner(Kind kind, int index)>;

    // `testdata`: the folder with the recorded answers. Listens on free ports, and serves from a thread of its own.
    FakeFleet(const FleetSize& size, const std::string& testdata, const Manners& manners = {});
    ~FakeFleet();
    FakeFleet(const FakeFleet&) = delete;
    FakeFleet& operator=(const FakeFleet&) = delete;

    // The `clusters:` section of a medic.yaml that watches all of it.
    [[nodiscard]] std::string clusters_yaml() const;
    // How often an endpoint was looked at: by the request that begins each look.
    [[nodiscard]] std::uint64_t looks(Kind kind, int index) const;
    [[nodiscard]] std::uint64_t requests() const;
    [[nodiscard]] int count(Kind kind) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic::fleet
