//! `clientContent` and `contextUpdate`: what is appended to the conversation in order, and changed about it.
//!
//! Not here: input that flows ([`super::realtime`]).

use live_proto::{ClientContent, Content, ContextUpdate, FunctionResponse, Scheduling, ToolResponse};

use super::constraint::Kept;
use super::declaration::check_tools;
use super::effect;
use super::session::{Cx, Session};
use super::setup::{check_instruction, check_tool_kinds};
use crate::context::Tokens;
use crate::engine::TurnId;
use crate::profile::Backend;
use crate::violation::{Findings, Rule, Violation};

impl Session {
    pub(super) fn client_content(&mut self, message: ClientContent, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let ClientContent { turns, turn_complete } = message;
        for (index, content) in turns.iter().enumerate() {
            self.check_content(index, content)?;
            if content.role == SYSTEM {
                check_kept(Kept::SystemInstruction, format!("clientContent.turns[{index}]"), cx)?;
            }
        }
        let profile = &self.config.profile;
        if !turns.is_empty() && !profile.inputs.text {
            return Err(Violation::new(Rule::ContentNotTaken, "clientContent.turns"));
        }
        if !turns.is_empty() && !profile.mid_session_content && self.last_turn != TurnId::default() {
            return Err(Violation::new(Rule::ContentMidSession, "clientContent.turns"));
        }
        // Whatever it holds: an empty one is how clients stop the model.
        self.interrupt(cx);
        self.take_media_outside_speech();
        for content in turns {
            if content.role == SYSTEM {
                self.reconfigure(|config| config.system_instruction = Some(content));
            } else {
                let tokens = Tokens::of(&content);
                let content = if content.role.is_empty() { Content { role: USER.into(), ..content } } else { content };
                self.context.append(content, tokens);
            }
        }
        if !turn_complete {
            return Ok(());
        }
        if self.seeding {
            self.seeding = false;
            self.context.told();
            return Ok(());
        }
        match self.context.last() {
            None => return Err(Violation::new(Rule::NothingToAnswer, "clientContent.turnComplete")),
            Some(last) if last.role != USER && self.config.profile.last_turn_is_user => {
                return Err(Violation::new(Rule::LastTurnNotUser, "clientContent.turns").found(&last.role));
            }
            Some(_) => {}
        }
        self.prompt(cx);
        Ok(())
    }

    /// Whether answers may say when they are to be heard is the model's to allow.
    pub(super) fn check_scheduling(&self, message: &ToolResponse) -> Result<(), Violation> {
        let says_when = |response: &FunctionResponse| {
            response.scheduling.as_ref().is_some_and(|scheduling| *scheduling != Scheduling::Unspecified)
        };
        match message.function_responses.iter().position(says_when) {
            Some(r) if !self.config.profile.scheduling => {
                let path = format!("toolResponse.functionResponses[{r}].scheduling");
                Err(Violation::new(Rule::SchedulingUnsupported, path))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_content(&self, index: usize, content: &Content) -> Result<(), Violation> {
        let wrong_role = |rule| {
            let path = format!("clientContent.turns[{index}].role");
            Err(Violation::new(rule, path).found(&content.role))
        };
        match (content.role.as_str(), self.config.backend) {
            (USER | MODEL, _) | (SYSTEM, Backend::Vertex) => {}
            (SYSTEM, Backend::Gemini) => {
                return wrong_role(Rule::RoleSystem);
            }
            ("", _) if !self.config.profile.role_required => {}
            ("", _) => return wrong_role(Rule::RoleMissing),
            (_, _) => return wrong_role(Rule::RoleUnknown),
        }
        if content.parts.iter().all(|part| part.data.is_none()) {
            return Err(Violation::new(Rule::ContentEmpty, format!("clientContent.turns[{index}].parts")));
        }
        Ok(())
    }

    pub(super) fn context_update(&mut self, message: ContextUpdate, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let ContextUpdate { system_instruction, tools } = message;
        if system_instruction.is_some() {
            check_kept(Kept::SystemInstruction, "contextUpdate.systemInstruction".into(), cx)?;
            let mut findings = Findings::default();
            check_instruction(system_instruction.as_deref(), "contextUpdate", &self.config.profile, &mut findings);
            findings.first()?;
        }
        if let Some(tools) = &tools {
            check_kept(Kept::Tools, "contextUpdate.tools".into(), cx)?;
            let profile = &self.config.profile;
            let (root, mut findings) = ("contextUpdate.tools", Findings::default());
            check_tool_kinds(&tools.tools, root, profile, cx.config.built_in_tools, &mut findings);
            let hints = check_tools(&tools.tools, root, profile, &cx.config.limits, &mut findings);
            findings.first()?;
            let in_vain = effect::of_tools(&tools.tools, root, cx.config.built_in_tools);
            hints.into_iter().chain(in_vain).for_each(|warning| cx.warn(warning));
        }
        self.reconfigure(|config| {
            if let Some(instruction) = system_instruction {
                config.system_instruction = Some(*instruction);
            }
            if let Some(tools) = tools {
                config.tools = tools.tools;
            }
        });
        Ok(())
    }
}

/// Checks that a client may change what it wants to change.
fn check_kept(field: Kept, path: String, cx: &Cx<'_>) -> Result<(), Violation> {
    match &cx.config.constraint {
        Some(constraint) if constraint.keeps(field) => Err(Violation::new(Rule::LockedByToken, path)),
        Some(_) | None => Ok(()),
    }
}

pub(super) const USER: &str = "user";
const MODEL: &str = "model";
const SYSTEM: &str = "system";
