"""Why an answer is as it is, and why it differs from another."""

from stackelberg.edge.explanation.difference import Difference, difference
from stackelberg.edge.explanation.node_explanation import NodeExplanation, explain_node
from stackelberg.edge.explanation.price_freedom import PriceFreedom, price_freedom
from stackelberg.edge.explanation.user_explanation import UserExplanation, explain_user
from stackelberg.edge.explanation.virtual_money import VirtualMoney, virtual_money

__all__ = [
    "Difference",
    "NodeExplanation",
    "PriceFreedom",
    "UserExplanation",
    "VirtualMoney",
    "difference",
    "explain_node",
    "explain_user",
    "price_freedom",
    "virtual_money",
]
