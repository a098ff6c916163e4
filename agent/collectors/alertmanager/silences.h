// What an Alertmanager (API v2) holds back now: its active silences, and the alerts that it inhibits. Asks, never acts.
// It is no watched system: when it can't be read, what it holds back is unknown, and nothing else about the cluster is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/collectors/look.h"

namespace medic {

struct SilenceCollectorOptions {
    std::string url;                   // Without a slash at the end; with the path prefix that it is served under.
    std::string target;                // "lab/alertmanager"
    std::size_t silences_max = 1'000;  // With more active ones than this it counts as unread.
};

class SilenceCollector : public HttpCollector {
public:
    explicit SilenceCollector(SilenceCollectorOptions options);
    ~SilenceCollector() override;

    const std::string& target() const override { return options_.target; }
    std::vector<HttpAsk> begin(WallTime at) override;
    std::vector<HttpAsk> answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) override;
    Observation finish() override;

private:
    struct Look;
    SilenceCollectorOptions options_;
    std::unique_ptr<Look> look_;
};

}  // namespace medic
