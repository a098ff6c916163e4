// What is kept of series and events, within bounds that are told.
#include "agent/daemon/snapshot.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

struct Known {
    Config config =
        load_config("schema: 1\ndata_dir: d\nclusters: {c: {connect: {urls: ['http://w']}}}\n", "m").value();
    Knowledge knowledge{config};
    Known() {
        for (int second = 0; second < 60; ++second) {
            Observation seen;
            seen.target = "c/connect";
            seen.at = at(second);
            seen.sample("up", {{"cluster", "c"}, {"worker", "a"}}, second);
            if (second == 30)
                seen.events.push_back({.at = seen.at,
                                       .subject = {"c", "job", "j"},
                                       .kind = "log",
                                       .text = "hello",
                                       .fields = {},
                                       .id = "e"});
            knowledge.apply(std::move(seen));
        }
    }
    static WallTime at(int second) { return {1'764'331'200'000 + second * 1'000}; }
};

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto found = text.find(part); found != std::string::npos; found = text.find(part, found + 1)) ++n;
    return n;
}

TEST(Snapshot, HoldsWhatIsYoungEnough) {
    const Known known;
    const Snapshot all = snapshot_of(known.knowledge, Known::at(60), {.last = Duration{60'000}});
    EXPECT_NE(all.series.find("\"worker\":\"a\""), std::string::npos);
    EXPECT_NE(all.series.find(std::to_string(Known::at(59).unix_ms)), std::string::npos);
    EXPECT_EQ(count(all.events, "hello"), 1u);
    EXPECT_TRUE(all.left_out.empty());
    const Snapshot young = snapshot_of(known.knowledge, Known::at(60), {.last = Duration{10'000}});
    EXPECT_EQ(young.series.find(std::to_string(Known::at(30).unix_ms)), std::string::npos);
    EXPECT_TRUE(young.events.empty());
}

TEST(Snapshot, SaysWhatTheBoundsHaveCost) {
    const Known known;
    const Snapshot few = snapshot_of(known.knowledge, Known::at(60), {.series_max = 1, .samples_max = 5});
    EXPECT_EQ(count(few.series, "\n"), 1u);
    EXPECT_FALSE(few.left_out.empty());
}

TEST(Snapshot, ComesBackAsItWas) {
    const Known known;
    const Snapshot told = snapshot_of(known.knowledge, Known::at(60));
    const auto back = read_snapshot_document(snapshot_document(told));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->series, told.series);
    EXPECT_EQ(back->events, told.events);
    EXPECT_EQ(back->from, told.from);
    for (const char* text : {"", "[]", "{}", "null", R"({"schema":2})"}) EXPECT_FALSE(read_snapshot_document(text));
}

}  // namespace
}  // namespace medic
