#pragma once
#include "admin/dry_run.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/survey.hpp"

namespace tidemark::app
{
// What orders would hit at this edge: its one answer comes later.
void survey_would_hit(worker::Survey& survey, const serve::Sites& sites,
                      const std::vector<journal::Draft>& drafts, admin::WouldHitDone done);
} // namespace tidemark::app
