// medic_classify_score FILE [dev|fit|all] [--failures] [--speed] [--rules DIR]: how well the catalogue does on texts
// with known causes. FILE: JSON lines {id, component, text, side, cause, hard}; `cause` is a cause_group. The
// development split is fixed by a hash of the id: rules are written with `fit` in sight and judged on `dev`.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "classifiers/diagnosis/classifier.h"

namespace {

struct Case {
    std::string id, component, text, side, group;
    bool hard = false;
};

struct Tally {
    int all = 0, side = 0, group = 0, silent = 0;
    void add(bool side_right, bool group_right, bool abstained) {
        ++all, side += side_right, group += group_right, silent += abstained;
    }
};

void print(const std::string& name, const Tally& tally) {
    const auto share = [&](int n) { return tally.all == 0 ? 0.0 : 100.0 * n / tally.all; };
    fmt::print("{:<14} {:4} texts  side {:5.1f} %  cause group {:5.1f} %  abstained {:4.1f} %\n", name, tally.all,
               share(tally.side), share(tally.group), share(tally.silent));
}

// FNV-1a: the same split on every machine.
bool in_dev(const std::string& id) {
    std::uint64_t hash = 1469598103934665603ULL;
    for (const unsigned char c : id) hash = (hash ^ c) * 1099511628211ULL;
    return (hash >> 32) % 3 == 0;
}

std::vector<Case> load(const std::string& path, const std::string& split) {
    std::vector<Case> cases;
    std::ifstream in{path};
    for (std::string line; std::getline(in, line);) {
        if (line.empty()) continue;
        const auto json = nlohmann::json::parse(line);
        Case one{json.at("id").get<std::string>(),    json.at("component").get<std::string>(),
                 json.at("text").get<std::string>(),  json.at("side").get<std::string>(),
                 json.at("cause").get<std::string>(), json.contains("hard") && json.at("hard").get<bool>()};
        if (split == "all" || (split == "dev") == in_dev(one.id)) cases.push_back(std::move(one));
    }
    return cases;
}

// Of CPU time: the machine may be shared.
template <class Work>
double a_second(const std::vector<Case>& cases, Work work) {
    const auto began = std::clock();
    std::size_t done = 0, round = 0;
    double seconds = 0;
    while (seconds < 3) {
        for (const auto& one : cases) work(one, round);
        done += cases.size();
        ++round;
        seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    }
    return static_cast<double>(done) / seconds;
}

// The text as it comes another day: ids, ports and times, all numbers of four digits and more, are other ones.
std::string of_another_day(std::string text, std::size_t day) {
    constexpr std::size_t digits_min = 4;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    for (std::size_t at = 0; at < text.size();) {
        auto end = at;
        while (end < text.size() && is_digit(text[end])) ++end;
        auto rest = day;
        for (auto last = end; end - at >= digits_min && last > at; --last, rest /= 10) {
            char& digit = text[last - 1];
            digit = static_cast<char>('0' + (static_cast<std::size_t>(digit - '0') + rest) % 10);
        }
        at = end + 1;
    }
    return text;
}

std::string line_of(const Case& one, std::string text) {
    return nlohmann::json{{"id", one.id}, {"component", one.component}, {"text", std::move(text)}}.dump() + "\n";
}

void speed(const medic::Classifier& classifier, const std::vector<Case>& cases) {
    const auto classify = [&](const Case& one, const std::string& text) {
        (void)classifier.classify_text(text, medic::parse_component(one.component));
    };
    fmt::print("texts a second of one core, all of them known from the round before: {:.0f}\n",
               a_second(cases, [&](const Case& one, std::size_t) { classify(one, one.text); }));
    fmt::print("with other numbers in each round: {:.0f}\n", a_second(cases, [&](const Case& one, std::size_t round) {
                   classify(one, of_another_day(one.text, round));
               }));
    std::string lines;
    for (const auto& one : cases) lines += line_of(one, one.text);
    const double rounds = a_second({Case{}}, [&](const Case&, std::size_t) {
        std::istringstream in(lines);
        std::ostringstream out;
        (void)medic::classify_lines(classifier, in, out);
    });
    fmt::print("as JSON lines, read and written: {:.0f}\n", rounds * static_cast<double>(cases.size()));
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> args(argv + 1, argv + argc);
    if (args.empty()) {
        std::fprintf(stderr, "usage: medic_classify_score FILE [dev|fit|all] [--failures] [--speed] [--rules DIR]\n");
        return 64;
    }
    const std::string split = args.size() > 1 && !args[1].starts_with("--") ? args[1] : "all";
    const bool failures = std::ranges::find(args, "--failures") != args.end();
    const auto rules = std::ranges::find(args, "--rules");
    auto catalogue = rules != args.end() && rules + 1 != args.end() ? medic::Catalogue::load_directory(*(rules + 1))
                                                                    : medic::Catalogue::load_embedded();
    if (!catalogue) {
        std::fprintf(stderr, "%s\n", catalogue.error().message.c_str());
        return 1;
    }
    const medic::Classifier classifier{*std::move(catalogue)};
    const auto cases = load(args[0], split);
    Tally overall, hard;
    std::map<std::string, Tally> by_component;
    std::map<std::string, int> confusion;
    struct Bin {
        double claimed = 0;
        int all = 0, right = 0;
    };
    std::map<int, Bin> bins;
    for (const auto& one : cases) {
        const auto result = classifier.classify_text(one.text, medic::parse_component(one.component));
        const std::string side{to_string(result.side)};
        const bool side_right = side == one.side, group_right = result.cause_group == one.group,
                   silent = result.cause.empty();
        overall.add(side_right, group_right, silent);
        by_component[one.component].add(side_right, group_right, silent);
        if (one.hard) hard.add(side_right, group_right, silent);
        if (!group_right) ++confusion[one.group + " taken for " + (silent ? "nothing" : result.cause_group)];
        if (!silent) {
            auto& bin = bins[static_cast<int>(result.confidence * 10)];
            bin.claimed += result.confidence, ++bin.all, bin.right += side_right;
        }
        if (failures && !group_right) {
            fmt::print("{} {} {}{}: said {} {} ({:.2f})\n   {}\n", side_right ? "~" : "!", one.id, one.group,
                       one.hard ? " (hard)" : "", side, result.cause, result.confidence, result.shape);
            for (const auto& evidence : result.evidence)
                fmt::print("   + {} | {}\n", evidence.ref, evidence.text.substr(0, 150));
            for (const auto& other : result.alternatives) fmt::print("   - {} {:.2f}\n", other.cause, other.confidence);
        }
    }
    print("all", overall);
    for (const auto& [component, tally] : by_component) print(component, tally);
    print("hard", hard);
    fmt::print("confusion:\n");
    for (const auto& [pair, count] : confusion) fmt::print("  {:3} {}\n", count, pair);
    fmt::print("calibration of the side (claimed → right):\n");
    for (const auto& [key, bin] : bins)
        fmt::print("  {:.2f} → {:.2f}  ({} texts)\n", bin.claimed / bin.all, static_cast<double>(bin.right) / bin.all,
                   bin.all);
    if (std::ranges::find(args, "--speed") != args.end()) speed(classifier, cases);
    return 0;
}
