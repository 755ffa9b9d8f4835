"""Count how often an officer signed out, so that no copy of a session outlives it."""

import sqlalchemy as sa
from alembic import op

revision = "office_0006"
down_revision = "office_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("officer", sa.Column("n_sign_outs", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("officer", "n_sign_outs")
