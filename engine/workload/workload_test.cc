#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>

#include "engine/workload/checker.h"
#include "engine/workload/event.h"
#include "engine/workload/generator.h"
#include "engine/workload/read_positions.h"

namespace medic::engine::workload {
namespace {

TEST(ReadPositions, count_no_record_twice_and_none_that_was_gone) {
    ReadPositions positions;
    EXPECT_TRUE(positions.is_new(0, 0));
    EXPECT_TRUE(positions.is_new(0, 1));
    EXPECT_TRUE(positions.is_new(1, 0)) << "each partition has its own";
    EXPECT_TRUE(positions.is_new(0, 5)) << "what lies between was deleted";
    EXPECT_FALSE(positions.is_new(0, 1));
    EXPECT_FALSE(positions.is_new(0, 4)) << "behind what was read since";
    EXPECT_TRUE(positions.is_new(0, 6));
}

TEST(Event, survives_the_wire) {
    const EventMix mix;
    for (std::uint64_t sequence = 0; sequence < 5'000; ++sequence) {
        const Event event = make_event(mix, sequence, 1'700'000'000'000);
        const auto read = decode(encode(event));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(encode(*read), encode(event));
    }
}

TEST(Event, has_the_promised_mix) {
    const EventMix mix;
    int faults = 0, late = 0, without_storage = 0;
    for (std::uint64_t sequence = 0; sequence < 100'000; ++sequence) {
        const Event event = make_event(mix, sequence, 1'700'000'000'000);
        faults += event.fault ? 1 : 0;
        late += is_late_on_purpose(mix, sequence) ? 1 : 0;
        without_storage += event.storage.empty() ? 1 : 0;
    }
    EXPECT_NEAR(faults, 20'000, 1'000);
    EXPECT_NEAR(late, 100, 50);
    EXPECT_NEAR(without_storage, 200, 80);
}

TEST(Event, says_what_is_wrong_with_a_broken_one) {
    EXPECT_NE(decode("1|2|3").error().message.find("expected 8 fields"), std::string::npos);
    EXPECT_NE(decode("x|2|s|d|n|v|r|ok").error().message.find("sequence"), std::string::npos);
    EXPECT_NE(decode("1|2|s|d|n|v|r|maybe").error().message.find("fault or ok"), std::string::npos);
}

Event fault_at(std::int64_t at_ms, std::string server) {
    Event event;
    event.at_ms = at_ms;
    event.server = std::move(server);
    event.fault = true;
    return event;
}

TEST(Checker, finds_nothing_wrong_in_the_right_output) {
    Checker checker;
    for (int i = 0; i < 6; ++i) checker.expect(fault_at(i * 1'000, "s-1"));
    checker.expect(fault_at(61'000, "s-1"));
    ASSERT_TRUE(checker.see("0|s-1|6|replace-node"));
    ASSERT_TRUE(checker.see("60000|s-1|1|keep"));
    EXPECT_TRUE(checker.compare(0, 120'000).right());
    EXPECT_EQ(checker.seen_until_ms(), 120'000);
}

TEST(Checker, counts_lost_doubled_and_wrong_replacements) {
    Checker checker;
    for (int i = 0; i < 6; ++i) checker.expect(fault_at(i * 1'000, "s-1"));
    checker.expect(fault_at(1'000, "s-2"));
    ASSERT_TRUE(checker.see("0|s-1|4|keep"));
    ASSERT_TRUE(checker.see("0|s-2|1|keep"));
    ASSERT_TRUE(checker.see("0|s-2|1|keep"));
    ASSERT_TRUE(checker.see("0|s-9|3|keep"));
    const Verdict verdict = checker.compare(0, 60'000);
    EXPECT_EQ(verdict.records_lost, 2U);
    EXPECT_EQ(verdict.records_doubled, 4U);
    EXPECT_EQ(verdict.replacements_wrong, 1U);
    EXPECT_EQ(verdict.windows_in_parts, 0U) << "it lacks records";
    EXPECT_FALSE(verdict.right());
}

TEST(Checker, tells_a_window_that_came_in_parts) {
    Checker checker;
    for (int i = 0; i < 6; ++i) checker.expect(fault_at(i * 1'000, "s-1"));
    for (int i = 0; i < 5; ++i) checker.expect(fault_at(i * 1'000, "s-2"));
    checker.allow(fault_at(1'000, "s-2"));
    ASSERT_TRUE(checker.see("0|s-1|3|keep"));
    ASSERT_TRUE(checker.see("0|s-1|3|keep"));
    ASSERT_TRUE(checker.see("0|s-2|5|keep"));
    ASSERT_TRUE(checker.see("0|s-2|1|keep"));  // The late one.
    const Verdict verdict = checker.compare(0, 60'000);
    EXPECT_EQ(verdict.records_lost + verdict.records_doubled, 0U);
    EXPECT_EQ(verdict.windows_in_parts, 1U);
    EXPECT_FALSE(verdict.right());
}

TEST(Checker, a_late_one_may_be_dropped_or_counted_once) {
    Checker checker;
    for (int i = 0; i < 5; ++i) checker.expect(fault_at(i * 1'000, "s-1"));
    checker.allow(fault_at(1'000, "s-1"));
    checker.allow(fault_at(61'000, "s-1"));
    ASSERT_TRUE(checker.see("0|s-1|5|keep"));
    EXPECT_TRUE(checker.compare(0, 120'000).right());
    ASSERT_TRUE(checker.see("0|s-1|1|keep"));
    ASSERT_TRUE(checker.see("60000|s-1|1|keep"));
    EXPECT_TRUE(checker.compare(0, 120'000).right());
    ASSERT_TRUE(checker.see("60000|s-1|1|keep"));
    EXPECT_EQ(checker.compare(0, 120'000).records_doubled, 1U);
}

TEST(Checker, refuses_a_row_that_it_cannot_read) {
    Checker checker;
    EXPECT_FALSE(checker.see("0|s-1|six|keep"));
    EXPECT_FALSE(checker.see("0|s-1|6"));
    EXPECT_FALSE(checker.load_ledger("/nowhere/ledger"));
}

TEST(Generator, keeps_in_the_ledger_just_what_was_delivered) {
    char folder[] = "/tmp/medic-generator-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    const std::string ledger = std::string(folder) + "/ledger";
    std::mutex mutex;
    Checker delivered;
    std::uint64_t faults = 0;
    const EventMix mix;
    {
        auto generator = Generator::start({.mix = mix, .records_per_second = 20'000, .ledger_path = ledger},
                                          [&](const auto& batch) -> Status {
                                              const std::lock_guard lock(mutex);
                                              for (const auto& record : batch) {
                                                  auto event = decode(record.value);
                                                  if (!event) return std::unexpected(event.error());
                                                  if (is_late_on_purpose(mix, event->sequence))
                                                      delivered.allow(*event);
                                                  else
                                                      delivered.expect(*event);
                                                  faults += event->fault ? 1 : 0;
                                              }
                                              return {};
                                          });
        ASSERT_TRUE(generator) << generator.error().message;
        while ((*generator)->acknowledged() < 2'000) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        EXPECT_FALSE((*generator)->gave_up());
    }
    Checker from_ledger;
    const auto lines = from_ledger.load_ledger(ledger);
    ASSERT_TRUE(lines) << lines.error().message;
    EXPECT_EQ(*lines, faults);
    EXPECT_EQ(from_ledger.compare(0, INT64_MAX).records_expected, delivered.compare(0, INT64_MAX).records_expected);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace medic::engine::workload
