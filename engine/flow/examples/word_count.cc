// Counts generated words per key and window, and writes the counts to files exactly once. Used by the contract test,
// which knows from the arguments alone what must come out.
//
// --output DIR  --records N (per partition)  --rate R (records/s)  --window-ms W
// --null-at I: dereferences null at record I of partition 0.  --throw-at I: throws there.  --stubborn FILE: a sink that
// blocks and ignores cancellation while FILE exists.
#include <unistd.h>

#include <chrono>
#include <thread>

#include "engine/flow/api/flow.h"

namespace words {

using medic::engine::flow::ByteReader;
using medic::engine::flow::ByteWriter;

struct Word {
    std::int32_t id = 0;
    std::int32_t partition = 0;
    std::int64_t index = 0;
    std::int64_t at_ms = 0;
    void write(ByteWriter& to) const {
        to.number(id);
        to.number(partition);
        to.number(index);
        to.number(at_ms);
    }
    static Word read(ByteReader& from) {
        Word word;
        word.id = from.number<std::int32_t>();
        word.partition = from.number<std::int32_t>();
        word.index = from.number<std::int64_t>();
        word.at_ms = from.number<std::int64_t>();
        return word;
    }
};

struct Details {
    int length = 0;
};

struct Count {
    std::int32_t id = 0;
    std::int64_t start_ms = 0;
    std::int64_t count = 0;
    void write(ByteWriter& to) const {
        to.number(id);
        to.number(start_ms);
        to.number(count);
    }
    static Count read(ByteReader& from) {
        Count count;
        count.id = from.number<std::int32_t>();
        count.start_ms = from.number<std::int64_t>();
        count.count = from.number<std::int64_t>();
        return count;
    }
};

constexpr std::int32_t vocabulary = 100;
constexpr std::int64_t step_ms = 10;  // Event time between two records of a partition.

// Null for the one word that is not in the dictionary.
const Details* look_up(const Word& word, std::int64_t unknown_at) {
    static const Details known{5};
    return word.partition == 0 && word.index == unknown_at ? nullptr : &known;
}

[[gnu::noinline]] int letters_of(const Details* details) { return details->length; }

}  // namespace words

MEDIC_FLOW_JOB(environment, parameters) {
    using namespace medic::engine::flow;
    using words::Count;
    using words::Word;
    environment.name("word-count");
    const std::int64_t null_at = parameters.get_number("null-at", -1);
    const std::int64_t throw_at = parameters.get_number("throw-at", -1);
    const std::string stubborn = parameters.get("stubborn", "");

    const auto words = environment.generator_source<Word>(
        "words",
        {.partitions = 4,
         .records_per_partition = parameters.get_number("records", -1),
         .records_per_second = static_cast<double>(parameters.get_number("rate", 0))},
        [](int partition, std::int64_t index) {
            return Word{static_cast<std::int32_t>((index * 7 + partition) % words::vocabulary), partition, index,
                        index * words::step_ms};
        },
        {.max_out_of_orderness_ms = 50, .idle_timeout_ms = 5'000, .timestamp = [](const Word& word) {
             return word.at_ms;
         }});

    words
        .map("measure",
             [null_at, throw_at](const Word& word) {
                 if (word.partition == 0 && word.index == throw_at) throw std::runtime_error("no such word");
                 Word measured = word;
                 measured.at_ms += words::letters_of(words::look_up(word, null_at)) - 5;
                 return measured;
             })
        .key_by([](const Word& word) { return word.id; })
        .window({.size_ms = parameters.get_number("window-ms", 1'000)})
        .aggregate<std::int64_t, Count>(
            "count", [](std::int64_t& count, const Word&) { ++count; },
            [](const Window<std::int32_t>& window, const std::int64_t& count, Collector<Count>& out) {
                out.emit({window.key, window.start, count});
            })
        .filter("gatekeeper",
                [stubborn](const Count&) {
                    while (!stubborn.empty() && access(stubborn.c_str(), F_OK) == 0)
                        std::this_thread::sleep_for(std::chrono::milliseconds(20));
                    return true;
                })
        .sink_files("counts", {.directory = parameters.require("output")}, [](const Count& count) {
            return std::to_string(count.id) + " " + std::to_string(count.start_ms) + " " + std::to_string(count.count);
        });
}
