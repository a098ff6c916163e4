// What the fake endpoints say. Only for the fleet.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/wire/frame.h"
#include "tests/fleet/fake_fleet.h"

namespace medic::fleet {

// A recorded text whose times and counters move on: moments keep their distance to now, counters grow.
class MovingText {
public:
    // `recorded_at_ms`: now as the recording has it; `began_ms`: when the fleet began.
    MovingText(std::string_view text, std::int64_t recorded_at_ms, std::int64_t began_ms);
    [[nodiscard]] std::string at(std::int64_t now_ms) const;

private:
    struct Piece {
        std::string text;       // As it stands …
        std::int64_t base = 0;  // … followed by base + passed × growth / 1000, when `moves`; `passed` in whole steps.
        std::int64_t growth = 0;
        bool moves = false;
        std::int64_t step_ms = 1;
    };
    std::int64_t began_ms_;
    std::vector<Piece> pieces_;
};

// Recorded REST answers under the names of one endpoint: path (without the query) → answer.
class RestAnswers {
public:
    static RestAnswers flink(const std::string& testdata, int index, std::int64_t began_ms);
    static RestAnswers connect(const std::string& testdata, int index, int connectors, const std::string& authority,
                               std::int64_t began_ms);
    // nullptr: 404.
    [[nodiscard]] const MovingText* find(std::string_view path) const;

private:
    std::map<std::string, MovingText, std::less<>> by_path_;
};

// One Kafka cluster's answers.
struct KafkaAnswers {
    int cluster = 0;
    FleetSize size;
    std::vector<std::uint16_t> ports;  // By broker.

    // The whole frame of the answer; empty for what is not spoken.
    [[nodiscard]] wire::Bytes answer(int broker, const wire::RequestView& request, std::int64_t passed_ms) const;
};

}  // namespace medic::fleet
