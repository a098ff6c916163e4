#include "classifiers/diagnosis/line_patterns_internal.h"

#include <algorithm>
#include <array>

#include "classifiers/diagnosis/alternatives_internal.h"
#include "classifiers/diagnosis/required_literals_internal.h"

namespace medic {
namespace {

constexpr std::int64_t pattern_bytes_max = 4 << 20;  // Of one pattern's automaton; RE2 falls back to a slower one.

// A shorter literal is in nearly every line: it says little, and finding it costs as much as another.
constexpr std::size_t guard_bytes_min = 4;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
// What a backslash before it takes all meaning from.
bool is_ascii_mark(char c) { return c > ' ' && c < 0x7f && !is_letter_or_digit(c) && c != '_'; }

constexpr std::array<char, 256> folded = [] {
    std::array<char, 256> all{};
    for (int c = 0; c < 256; ++c)
        all[static_cast<std::size_t>(c)] = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return all;
}();

void fold_case(std::string& text) {
    for (char& c : text) c = folded[static_cast<unsigned char>(c)];
}

}  // namespace

re2::RE2::Options signature_options() {
    re2::RE2::Options options{re2::RE2::Quiet};
    options.set_encoding(re2::RE2::Options::EncodingLatin1);  // Any bytes are text; `.` is one state instead of ten.
    options.set_max_mem(pattern_bytes_max);
    return options;
}

std::string pattern_of(const Signature& signature) {
    if (signature.engine_frame) return "^(?:flink|kafka|connect) .*?(?:" + signature.re2 + ")";
    if (signature.frame_owner)
        return "^" + std::string{to_string(*signature.frame_owner)} + " .*?(?:" + signature.re2 + ")";
    return signature.re2;
}

bool LinePatterns::Plain::holds(std::string_view line) const {
    if (at_start) return at_end ? line == text : line.starts_with(text);
    return at_end ? line.ends_with(text) : line.find(text) != std::string_view::npos;
}

std::optional<LinePatterns::Plain> LinePatterns::plain_of(std::string_view piece) {
    constexpr std::string_view marks = " _-=:;,/<>\"'@%&~#!", fold = "(?i)";  // Marks mean themselves.
    Plain plain;
    if (piece.starts_with(fold)) {
        plain.folded = true;
        piece.remove_prefix(fold.size());
    }
    if (piece.starts_with('^')) {
        plain.at_start = true;
        piece.remove_prefix(1);
    }
    for (std::size_t at = 0; at < piece.size(); ++at) {
        if (piece[at] == '$' && at + 1 == piece.size()) {
            plain.at_end = true;
        } else if (piece[at] == '\\' && at + 1 < piece.size() && is_ascii_mark(piece[at + 1])) {
            plain.text += piece[++at];
        } else if (is_letter_or_digit(piece[at]) || marks.find(piece[at]) != std::string_view::npos) {
            plain.text += piece[at];
        } else {
            return std::nullopt;
        }
    }
    if (plain.folded) fold_case(plain.text);
    return plain;
}

bool LinePatterns::Piece::holds(std::string_view line, std::string_view lower) const {
    if (plain) return plain->holds(plain->folded ? lower : line);
    std::call_once(automaton->once, [&] { automaton->built = std::make_unique<re2::RE2>(re2, signature_options()); });
    return re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *automaton->built);
}

LinePatterns::Clauses LinePatterns::clauses_of(const re2::FilteredRE2& filter, const std::vector<std::string>& atoms) {
    auto clauses = required_literals(filter, atoms);
    for (auto& clause : clauses)
        for (int& atom : clause) {
            const auto& text = atoms[static_cast<std::size_t>(atom)];
            const auto [known, fresh] = given_.numbers.emplace(text, static_cast<int>(given_.atoms.size()));
            if (fresh) given_.atoms.push_back(text);
            atom = known->second;
        }
    return clauses;
}

Result<int> LinePatterns::add(const std::string& pattern) {
    for (auto& re2 : alternatives_of(pattern)) {
        re2::FilteredRE2 filter{static_cast<int>(LiteralSet::bytes_min)};
        int only = 0;
        if (filter.Add(re2, signature_options(), &only) != re2::RE2::NoError)
            return fail(ErrorCode::invalid, "broken or too large pattern {}", pattern);
        std::vector<std::string> atoms;
        filter.Compile(&atoms);
        given_.clauses.push_back(clauses_of(filter, atoms));
        auto plain = plain_of(re2);
        pieces_.push_back({.pattern = count_, .re2 = std::move(re2), .plain = std::move(plain)});
    }
    return count_++;
}

void LinePatterns::compile() {
    wake_by_rarest();
    atoms_ = LiteralSet{given_.atoms};
    given_ = {};
}

// What many pieces name is in many lines: the clause of the least used atoms wakes its piece, the others guard it.
void LinePatterns::wake_by_rarest() {
    std::vector<std::size_t> uses(given_.atoms.size(), 0);  // By atom: in how many clauses it stands.
    for (const auto& clauses : given_.clauses)
        for (const auto& clause : clauses)
            for (const int atom : clause) ++uses[static_cast<std::size_t>(atom)];
    std::vector<std::vector<Waking>> by_atom(uses.size());
    const auto is_short = [this](int atom) {
        return given_.atoms[static_cast<std::size_t>(atom)].size() < guard_bytes_min;
    };
    std::vector<bool> asked_for(uses.size(), false);
    for (std::size_t at = 0; at < pieces_.size(); ++at) {
        const auto& clauses = given_.clauses[at];
        const int piece = static_cast<int>(at);
        if (clauses.empty()) {
            always_awake_.push_back(piece);
            continue;
        }
        const auto rarest = std::ranges::min_element(clauses, {}, [&](const std::vector<int>& clause) {
            std::size_t sum = 0;
            for (const int atom : clause) sum += uses[static_cast<std::size_t>(atom)];
            return sum;
        });
        for (const int atom : *rarest)
            by_atom[static_cast<std::size_t>(atom)].push_back({piece, static_cast<std::uint32_t>(guards_.size())});
        for (auto clause = clauses.begin(); clause != clauses.end(); ++clause) {
            if (clause == rarest || std::ranges::any_of(*clause, is_short)) continue;
            for (const int atom : *clause) asked_for[static_cast<std::size_t>(atom)] = true;
            guards_.insert(guards_.end(), clause->begin(), clause->end());
            guards_.push_back(clause_end);
        }
        guards_.push_back(guard_end);
    }
    for (const auto& waking : by_atom) {
        wakes_from_.push_back(static_cast<std::uint32_t>(wakes_.size()));
        wakes_.insert(wakes_.end(), waking.begin(), waking.end());
    }
    wakes_from_.push_back(static_cast<std::uint32_t>(wakes_.size()));
    for (std::size_t atom = 0; atom < uses.size(); ++atom)
        if (by_atom[atom].empty() && !asked_for[atom]) given_.atoms[atom].clear();  // Never looked for.
}

bool LinePatterns::guards_allow(std::size_t guard, const std::vector<char>& there) const {
    while (guards_[guard] != guard_end) {
        while (guards_[guard] >= 0 && there[static_cast<std::size_t>(guards_[guard])] == 0) ++guard;
        if (guards_[guard] == clause_end) return false;
        while (guards_[guard] != clause_end) ++guard;
        ++guard;
    }
    return true;
}

void LinePatterns::wake(std::string_view lower, std::vector<int>& awake) const {
    thread_local std::vector<int> found;
    thread_local std::vector<char> there;  // By atom.
    awake = always_awake_;
    found.clear();
    atoms_.find(lower, found);
    if (found.empty()) return;
    if (there.size() < wakes_from_.size()) there.resize(wakes_from_.size(), 0);
    for (const int atom : found) there[static_cast<std::size_t>(atom)] = 1;
    for (const int atom : found) {
        const auto end = wakes_from_[static_cast<std::size_t>(atom) + 1];
        for (auto at = wakes_from_[static_cast<std::size_t>(atom)]; at < end; ++at)
            if (guards_allow(wakes_[at].guard, there)) awake.push_back(wakes_[at].piece);
    }
    for (const int atom : found) there[static_cast<std::size_t>(atom)] = 0;
    std::ranges::sort(awake);
    awake.erase(std::ranges::unique(awake).begin(), awake.end());
}

bool LinePatterns::holds(int pattern, std::string_view line) const {
    thread_local std::string lower;
    thread_local std::vector<int> awake;
    lower.assign(line);
    fold_case(lower);
    wake(lower, awake);
    return std::ranges::any_of(awake, [&](int at) {
        const auto& piece = pieces_[static_cast<std::size_t>(at)];
        return piece.pattern == pattern && piece.holds(line, lower);
    });
}

const std::vector<int>& LinePatterns::match(std::string_view line, std::vector<bool>& matched) const {
    thread_local std::string lower;
    thread_local std::vector<int> awake, fresh;
    fresh.clear();
    lower.assign(line);
    fold_case(lower);
    wake(lower, awake);
    for (const int at : awake) {
        const auto& piece = pieces_[static_cast<std::size_t>(at)];
        const auto pattern = static_cast<std::size_t>(piece.pattern);
        if (matched[pattern] || !piece.holds(line, lower)) continue;
        matched[pattern] = true;
        fresh.push_back(piece.pattern);
    }
    return fresh;
}

}  // namespace medic
