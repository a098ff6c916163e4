// Kafka Connect's REST API: state of connectors and tasks, traces, assignment to workers → canonical series, events,
// topology. Asks, never acts. One collector for one Connect cluster: any worker answers for all; each is asked whether
// it is there.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/collectors/look.h"

namespace medic {

struct ConnectCollectorOptions {
    std::string cluster;
    std::vector<std::string> urls;  // Without a slash at the end.
    std::string target;             // "lab/connect"
    Duration longest_call{0};       // Of any connector here, as its owner says; 0: nobody says.
    std::size_t connectors_max = 1'000;
    std::size_t tasks_per_connector_max = 1'000;
};

class ConnectCollector : public HttpCollector {
public:
    explicit ConnectCollector(ConnectCollectorOptions options);
    ~ConnectCollector() override;

    const std::string& target() const override { return options_.target; }
    std::vector<HttpAsk> begin(WallTime at) override;
    std::vector<HttpAsk> answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) override;
    Observation finish() override;

private:
    struct Look;
    struct Memory;
    [[nodiscard]] HttpAsk ask_connectors(std::size_t worker) const;
    void herder_answers();
    [[nodiscard]] std::vector<HttpAsk> ask_offsets() const;
    void take_offsets(const std::string& connector, const Result<HttpAnswer>& answer);

    ConnectCollectorOptions options_;
    std::unique_ptr<Look> look_;
    std::unique_ptr<Memory> memory_;
};

// "http://127.0.0.1:8083/" → "127.0.0.1:8083": how Connect names a worker (rest.advertised.host.name:port).
[[nodiscard]] std::string authority_of(std::string_view url);

}  // namespace medic
