// What the agent's own collectors see of a running platform within a few seconds: the whole way from medic.yaml to
// series and topology. The platform is the embedded one, started for the test, or the real products of `make live-up`
// when MEDIC_LIVE_DATA names their folder. For collector_facts_test.cc and kafka_tools_test.cc.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/daemon/knowledge.h"
#include "agent/daemon/watcher.h"
#include "agent/world/real/clock.h"
#include "engine/common/process.h"

namespace medic::contract {

// The folder of `make live-up`, or "".
inline std::string live_data() {
    const char* folder = std::getenv("MEDIC_LIVE_DATA");
    return folder != nullptr ? folder : "";
}

// A running platform with its medic.yaml; ends it if it began it.
class Platform {
public:
    Platform() : live_(live_data()) {
        if (live_.empty()) start_embedded();
        auto loaded = load_config_file(folder() + "/medic.yaml");
        EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
        if (loaded) config_ = *std::move(loaded);
    }
    Platform(const Platform&) = delete;
    Platform& operator=(const Platform&) = delete;
    ~Platform() {
        if (live_.empty()) (void)run({"lab", "down", "--data", embedded_});
    }

    [[nodiscard]] bool is_live() const { return !live_.empty(); }
    [[nodiscard]] const std::string& folder() const { return is_live() ? live_ : embedded_; }
    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] const ClusterConfig& cluster() const { return config_.clusters.at(0); }

private:
    // Its output says what is wrong: it stays visible.
    static bool run(std::vector<std::string> arguments) {
        constexpr Duration patience{240'000};
        arguments.insert(arguments.begin(), MEDIC_BINARY_DIR "/medic-engine");
        const auto child = engine::spawn({.argv = std::move(arguments)});
        return child && engine::wait_gone(*child, patience);
    }
    void start_embedded() {
        char name[] = "/tmp/medic-contract-XXXXXX";
        embedded_ = ::mkdtemp(name);
        EXPECT_TRUE(run({"lab", "up", "--data", embedded_}));
        EXPECT_TRUE(std::filesystem::exists(embedded_ + "/lab.json")) << "the embedded platform did not come up";
    }

    std::string live_, embedded_;
    Config config_;
};

struct Seen {
    Labels labels;
    double first = 0, last = 0;
    [[nodiscard]] std::string get(std::string_view label) const { return std::string(labels.get(label)); }
};

// One look of `look_for`, as `medic diagnose` makes it.
class Observed {
public:
    Observed(const Config& config, Duration look_for) : config_(config), knowledge_(config_) {
        Reactor reactor;
        HttpFetcher fetcher(reactor, {});
        Worker ingest("ingest", 8'192);
        Watcher watcher({config_, reactor, fetcher, ingest, knowledge_});
        watcher.prepare();
        watcher.start();
        reactor.after(look_for, [&] { reactor.stop(); });
        reactor.run();
        watcher.stop();
        ingest.stop();
        end_ = read_clock().wall;
    }

    // Every series of this name and these labels that is known at the end.
    [[nodiscard]] std::vector<Seen> all(const std::string& name, const std::vector<LabelPair>& labels = {}) const {
        using Op = LabelMatcher::Op;
        std::vector<LabelMatcher> matchers = {{"__name__", Op::equal, name}};
        for (const auto& [label, value] : labels) matchers.push_back({label, Op::equal, value});
        std::vector<Seen> found;
        std::vector<Sample> buffer;
        constexpr Duration lookback{300'000};
        for (const SeriesId id : knowledge_.series().select(matchers)) {
            const auto newest = knowledge_.series().latest(id, end_, lookback);
            const auto range = knowledge_.series().range(id, {0}, end_, buffer);
            if (newest && !range.empty())
                found.push_back({knowledge_.series().labels(id), range.front().value, newest->value});
        }
        return found;
    }
    [[nodiscard]] std::optional<double> value(const std::string& name,
                                              const std::vector<LabelPair>& labels = {}) const {
        const auto found = all(name, labels);
        return found.size() == 1 ? std::optional(found[0].last) : std::nullopt;
    }
    [[nodiscard]] const Knowledge& knowledge() const { return knowledge_; }
    [[nodiscard]] WallTime end() const { return end_; }

private:
    Config config_;
    Knowledge knowledge_;
    WallTime end_;
};

}  // namespace medic::contract
